"""Entities of a class without declared types, each with fields of its own."""

from __future__ import annotations

import csv
import datetime as dt
import io
import uuid
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.commands.in_process import NO_PYARROW, run_command

ITEMS = [
    {"url": "a", "price": 1, "=cmd": "x"},
    {"url": "b", "title": "=1+1", "price": 2.5},
    {"url": "c", "tags": ["x", "y"]},
]


@pytest.fixture
def books_url(sqlite_url: str) -> str:
    """A database whose items were dicts."""
    declarations = Declarations({dict: {"table": "book", "key": "url"}})
    declaration = declarations.of(dict)
    assert declaration is not None
    capture = compile_capture(declaration)
    store = SnapshotStore(connect_engine(sqlite_url, connect_timeout=10))
    store.declare([declaration])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    store.write(Batch(tuple(capture(item, now, uuid.UUID(int=1)) for item in ITEMS)))
    store.close()
    return sqlite_url


def test_csv_has_a_column_for_every_field(
    books_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even for a field that only the last entity has; field names are guarded as values are."""
    run_command(books_url, "as-of", "now", "--csv")

    rows = {row["url"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert rows["a"]["'=cmd"] == "x"
    assert rows["b"]["title"] == "'=1+1"
    assert rows["c"]["tags"] == '["x", "y"]'


def test_parquet_takes_fields_of_several_types(books_url: str, tmp_path: Path) -> None:
    """Integers beside floats become floats; a missing field is null."""
    parquet = pytest.importorskip("pyarrow.parquet", reason=NO_PYARROW)
    file = tmp_path / "books.parquet"
    run_command(books_url, "export", "-o", str(file))

    rows = {row["url"]: row for row in parquet.read_table(file).to_pylist()}
    assert [rows[url]["price"] for url in "abc"] == [1.0, 2.5, None]
