"""Long texts of which only a part changed."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.commands.in_process import run_command

LONG = "The same words again and again. " * 20


def test_a_table_shows_what_is_different(
    sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two equal halves would say nothing."""
    declaration = Declarations({dict: {"table": "book", "key": "url"}}).of(dict)
    assert declaration is not None
    capture = compile_capture(declaration)
    store = SnapshotStore(connect_engine(sqlite_url, connect_timeout=10))
    store.declare([declaration])
    for day, ending in enumerate(("red", "blue"), 1):
        seen = dt.datetime(2026, 1, day, tzinfo=dt.timezone.utc)
        item = {"url": "a", "text": f"{LONG}{ending}"}
        store.write(Batch((capture(item, seen, uuid.UUID(int=1)),)))
    store.close()

    run_command(sqlite_url, "changes")
    text = capsys.readouterr().out
    assert "red" in text
    assert "blue" in text
    assert text.count("again") < LONG.count("again")
