"""What the commands take from the project they run in: its declarations and its dead letters."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from scrapy.settings import BaseSettings
from scrapy.spiderloader import get_spider_loader

from scrapy_snapshot_pipeline.dead_letters.file import files_in
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.settings import SnapshotSettings


def declared(settings: BaseSettings, ours: SnapshotSettings) -> tuple[Declaration, ...]:
    """Loading the spiders imports the modules of their items, which declares them."""
    get_spider_loader(settings).list()
    return Declarations(ours.items).roots()


def add_files_argument(parser: argparse.ArgumentParser) -> None:
    """Which files of dead letters."""
    parser.add_argument("files", nargs="*", type=Path, help="all files, if none is named")


def chosen_files(options: argparse.Namespace, folder: Path) -> Sequence[Path]:
    """The files that were named, or all of the folder."""
    named: Sequence[Path] = options.files
    return named or files_in(folder)
