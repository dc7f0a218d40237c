"""A Scrapy item pipeline that keeps the history of what you scrape in a SQL database."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what the decorator gives back is of interest to the users' type checkers
    from scrapy_snapshot_pipeline.declaration.registry import snapshot

__all__ = ["Addon", "SnapshotPipeline", "snapshot"]

# Scrapy imports this package on every `scrapy` command, so all parts wait until someone asks for
# them: SQLAlchemy takes a quarter of a second, and the declarations alone a third of what we may.
_LATE = {
    "snapshot": "scrapy_snapshot_pipeline.declaration.registry",
    "Addon": "scrapy_snapshot_pipeline.addon",
    "SnapshotPipeline": "scrapy_snapshot_pipeline.pipeline",
}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATE[name]), name)
