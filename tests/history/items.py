"""Any items in a database."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore


def store_all(url: str, item_class: type, items: Sequence[object]) -> None:
    """Create the tables of the class, and store the items as seen now; dicts as books."""
    declaration = Declarations({dict: {"table": "book", "key": "url"}}).of(item_class)
    assert declaration is not None
    capture = compile_capture(declaration)
    store = SnapshotStore(connect_engine(url, connect_timeout=10))
    store.declare([declaration])
    now = dt.datetime.now(dt.timezone.utc)
    if items:
        store.write(Batch(tuple(capture(item, now, uuid.UUID(int=1)) for item in items)))
    store.close()
