"""A Scrapy item pipeline that stores the history of what you scrape in a SQL database."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # users' type checkers need to know what the decorator returns
    from scrapy_snapshot_pipeline.declaration.registry import snapshot

__all__ = ["Addon", "SnapshotPipeline", "snapshot"]

# Scrapy imports this package at every `scrapy` command, so nothing is imported before it is asked
# for.  SQLAlchemy alone would be noticed (see the benchmark, section F).
_LAZY = {
    "snapshot": "scrapy_snapshot_pipeline.declaration.registry",
    "Addon": "scrapy_snapshot_pipeline.addon",
    "SnapshotPipeline": "scrapy_snapshot_pipeline.pipeline",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
