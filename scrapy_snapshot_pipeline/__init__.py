"""A Scrapy item pipeline that keeps the history of what you scrape in a SQL database."""

from __future__ import annotations

import importlib

from scrapy_snapshot_pipeline.declare import snapshot

__all__ = ["Addon", "SnapshotPipeline", "snapshot"]

# Scrapy imports this package on every `scrapy` command, so the parts that need SQLAlchemy wait
# until a crawl asks for them.
_LATE = {
    "Addon": "scrapy_snapshot_pipeline.addon",
    "SnapshotPipeline": "scrapy_snapshot_pipeline.pipeline",
}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATE[name]), name)
