"""Loads the declarations of the project that a command runs in."""

from __future__ import annotations

from scrapy.settings import BaseSettings
from scrapy.spiderloader import get_spider_loader

from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.settings import SnapshotSettings


def load_declarations(settings: BaseSettings, ours: SnapshotSettings) -> tuple[Declaration, ...]:
    """The declarations of all classes that the project's spiders use.

    Loading the spiders imports the modules of their items, which declares the classes.
    """
    get_spider_loader(settings).list()
    return Declarations(ours.items).roots()
