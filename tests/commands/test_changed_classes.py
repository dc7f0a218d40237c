"""`scrapy snapshots schema` and `replay` where an item class has changed."""

from __future__ import annotations

import uuid
import weakref
from contextlib import closing
from dataclasses import make_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.dead_letters.file import DeadLetterFile
from scrapy_snapshot_pipeline.dead_letters.spool import DeadLetterSpool
from scrapy_snapshot_pipeline.declaration import registry
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import OutageError, SchemaMismatchError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch, Outcome
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.commands.in_process import run_command
from tests.contract.entities import RUN, at

OPTIONS = {"key": "sku", "table": "offer", "label": "price"}
FIELDS: list[tuple[str, Any]] = [("sku", str), ("price", Decimal)]
BEFORE = make_dataclass("Offer", [*FIELDS, ("seller", str)])
AFTER = make_dataclass("Offer", [*FIELDS, ("left", int)])
OTHER = make_dataclass("Offer", [("sku", str), ("price", str), ("seller", str)])


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process many modules of tests declare classes, which no project has together."""
    monkeypatch.setattr(registry, "_registry", weakref.WeakValueDictionary())


def declared(item_class: type) -> Declaration:
    """What a class declares in the settings."""
    found = Declarations({item_class: OPTIONS}).of(item_class)
    assert found is not None
    return found


def record(item: Any, second: int) -> Any:
    """What a crawl makes of an item."""
    return compile_capture(declared(type(item)))(item, at(second), RUN)


def see(url: str, second: int, item: Any) -> Outcome:
    """What becomes of an item."""
    with closing(SnapshotStore(connect_engine(url, connect_timeout=10))) as store:
        store.declare([declared(type(item))])
        [outcome] = store.write(Batch((record(item, second),))).outcomes
        return outcome


def schema(url: str, item_class: type, *arguments: str, **settings: object) -> int:
    """Run the command in a project that declares the class."""
    items = {"SNAPSHOT_ITEMS": {item_class: OPTIONS}}
    return run_command(url, "schema", *arguments, **items, **settings)


def test_what_a_crawl_would_do_is_shown(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first one, after it, and when the class has changed; nothing is altered."""
    monkeypatch.setenv("COLUMNS", "200")
    schema(database_url, BEFORE)
    assert "table is created" in capsys.readouterr().out
    see(database_url, 0, BEFORE("a", Decimal(1), "acme"))
    schema(database_url, BEFORE)
    assert "All is there" in capsys.readouterr().out
    for _ in range(2):
        schema(database_url, AFTER)
        shown = capsys.readouterr().out
        assert "column is added" in shown
        assert "stays in the table, unused" in shown


def test_a_database_that_is_not_there_is_not_made(
    sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """To look is not to create."""
    schema(sqlite_url, BEFORE)
    assert "table is created" in capsys.readouterr().out
    assert not Path(sa.make_url(sqlite_url).database or "").exists()


def test_what_a_crawl_refuses_is_refused(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the table, with its words."""
    see(database_url, 0, BEFORE("a", Decimal(1), "acme"))
    with pytest.raises(SchemaMismatchError, match="column price was created for decimal values"):
        schema(database_url, OTHER)
    assert "refused" in capsys.readouterr().out
    with pytest.raises(SchemaMismatchError, match='SNAPSHOT_EVOLUTION is "frozen"'):
        schema(database_url, AFTER, SNAPSHOT_EVOLUTION="frozen")


def test_the_printed_statements_do_it(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under a role that may; the crawl then needs no right to alter tables."""
    see(database_url, 0, BEFORE("a", Decimal(1), "acme"))
    schema(database_url, AFTER, "--sql")
    statements = capsys.readouterr().out.split(";\n\n")
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        for statement in filter(None, statements):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()
    schema(database_url, AFTER, SNAPSHOT_CREATE_TABLES=False)
    assert "All is there" in capsys.readouterr().out
    assert see(database_url, 1, AFTER("a", Decimal(1), None)) is Outcome.CONFIRMED


def test_dead_letters_of_an_older_class_are_what_they_were(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are written under the class that they were scraped with, and nothing looks changed."""
    see(database_url, 0, BEFORE("a", Decimal(1), "acme"))
    letters = DeadLetterFile(tmp_path, uuid.UUID(int=7), 1_000_000)
    spool = DeadLetterSpool(letters, "offers", {"offer": declared(BEFORE)}, lambda: at(9))
    lost = [record(BEFORE(name, Decimal(2), "acme"), 1) for name in "ab"]
    spool(tuple(lost), OutageError("gone"), 3, possibly_stored=False)
    letters.close()
    see(database_url, 2, AFTER("b", Decimal(2), None))
    see(database_url, 2, AFTER("a", Decimal(2), 3))
    items = {"SNAPSHOT_ITEMS": {AFTER: OPTIONS}, "SNAPSHOT_DEAD_LETTER_DIR": str(tmp_path)}
    assert run_command(database_url, "replay", **items) == 0
    assert capsys.readouterr().out == "replayed: revised 2\n"
    with SnapshotHistory(database_url) as history:
        assert history.table("offer").label == "price"
        states = {state.key["sku"]: dict(state.values) for state in history.current("offer")}
        changes = list(history.changes("offer"))
    assert states["a"] == {"sku": "a", "price": Decimal(2), "left": 3}
    assert sorted((c.key["sku"], c.changed_at, c.kind.value) for c in changes) == [
        ("a", at(0), "new"),
        ("a", at(1), "changed"),
        ("b", at(1), "new"),
    ]
