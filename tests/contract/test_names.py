"""Fields whose names meet ours, the views' or the database's own: theirs are shown as theirs."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import SchemaMismatchError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.schema.ddl import ddl
from scrapy_snapshot_pipeline.store.schema.tables import entity_tables
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.commands.in_process import run_command
from tests.contract.entities import RUN, at

THEIRS = dt.datetime(2020, 2, 2, tzinfo=dt.timezone.utc)
LONG = "x" * 62


@snapshot(key="kind")
@dataclass
class Part:
    """A row of a list, with a name of the entity's key, and names that a view makes of others."""

    kind: str
    meeting_kind: int = 0
    changed_at: int = 0
    old_meeting_kind: int = 0


@snapshot(key=("kind", "old_price"))
@dataclass
class Meeting:
    """Most names that a view or a flat row has for itself."""

    kind: str
    old_price: str
    price: int
    changed_at: dt.datetime
    run_at: str = "theirs"
    new_price: int = 7
    parts: list[Part] = field(default_factory=list)


@contextmanager
def stored(url: str, declarations: Declarations, *items: Any) -> Iterator[sa.Engine]:
    """A database in which each item was seen, a second after the one before it."""
    engine = connect_engine(url, connect_timeout=10)
    store = SnapshotStore(engine)
    try:
        for second, item in enumerate(items, 1):
            declaration = declarations.of(type(item))
            assert declaration is not None
            store.declare([declaration])
            store.write(Batch((compile_capture(declaration)(item, at(second), RUN),)))
        yield engine
    finally:
        store.close()


def declared(item_class: type) -> Declaration:
    """What a class declares."""
    found = Declarations().of(item_class)
    assert found is not None
    return found


def rows(engine: sa.Engine, view: str) -> Sequence[Mapping[str, Any]]:
    """What a view shows, by the names of its columns."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT * FROM {view}")  # noqa: S608 - our own
        assert len(set(found.keys())) == len(list(found.keys()))
        return [dict(row) for row in found.mappings()]


def meetings() -> list[Meeting]:
    """One entity that changes once."""
    return [Meeting("a", "k", price, THEIRS, parts=[Part("p", price, price)]) for price in (1, 2)]


def is_theirs(value: Any) -> bool:
    """SQLite has times as text."""
    return dt.datetime.fromisoformat(str(value)) == THEIRS


def test_views_show_fields_by_their_names(database_url: str) -> None:
    """And what is ours by a longer one, in every view of the table."""
    with stored(database_url, Declarations(), *meetings()) as engine:
        [now] = rows(engine, "meeting_current")
        assert is_theirs(now["changed_at"])
        assert now["run_at"] == "theirs"
        assert str(now["snapshot_changed_at"]).startswith("2026-01-01 00:00:02")
        assert now["snapshot_run_at"] is None
        changes = {row["snapshot_kind"]: row for row in rows(engine, "meeting_changes")}
        changed = changes["changed"]
        assert (changed["kind"], changed["old_price"]) == ("a", "k")
        assert (changed["snapshot_old_price"], changed["snapshot_new_price"]) == (1, 2)
        assert is_theirs(changed["old_changed_at"])
        assert str(changed["snapshot_changed_at"]).startswith("2026-01-01 00:00:02")
        [part] = rows(engine, "meeting_parts_current")
        assert (part["kind"], part["meeting_kind"], part["changed_at"]) == ("p", 2, 2)
        assert part["snapshot_meeting_kind"] == "a"
        [moved] = [
            r for r in rows(engine, "meeting_parts_changes") if r["snapshot_kind"] != "added"
        ]
        assert (moved["kind"], moved["snapshot_meeting_kind"]) == ("p", "a")
        assert (moved["snapshot_old_meeting_kind"], moved["new_meeting_kind"]) == (1, 2)


def test_flat_rows_show_fields_by_their_names(
    sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From Python, as CSV, as versions, as the rows of a list, and in a table on a terminal."""
    with stored(sqlite_url, Declarations(), *meetings()):
        pass
    with SnapshotHistory(sqlite_url) as history:
        [row] = history.current("meeting").rows()
        assert (row["changed_at"], row["run_at"]) == (THEIRS, "theirs")
        assert (row["snapshot_changed_at"], row["snapshot_run_at"]) == (at(2), None)
        assert row["last_confirmed_at"] == at(2)
        [state] = history.current("meeting")
        [part] = state.child_rows("parts")
        assert (part["changed_at"], part["snapshot_changed_at"]) == (2, at(2))
    file = tmp_path / "versions.csv"
    run_command(sqlite_url, "export", "-o", str(file), "--versions")
    run_command(sqlite_url, "show", "--csv")
    for text in (file.read_text("utf-8"), capsys.readouterr().out):
        printed = list(csv.DictReader(io.StringIO(text)))
        assert {row["changed_at"] for row in printed} == {"2020-02-02T00:00:00+00:00"}
        assert printed[-1]["snapshot_changed_at"] == at(2).isoformat()
    for command in ("show", "as-of"):
        run_command(sqlite_url, command, *(["now"] if command == "as-of" else []), "--utc")
        shown = capsys.readouterr().out
        assert "snapshot_changed_at" in shown
        assert "2020-02-02 00:00:00Z" in shown


def test_flat_rows_of_items_without_types_keep_their_fields(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that meets a name of ours in any row has it in all of them."""
    declarations = Declarations({dict: {"table": "book", "key": "url"}})
    met = {"url": "a", "valid_to": "theirs", "run_id": 5, "last_confirmed_at": None, "data": {}}
    with stored(database_url, declarations, met, {"url": "b", "changed_at": 1}) as engine:
        assert {row["url"]: str(row["run_id"]) for row in rows(engine, "book_current")} == {
            "a": str(RUN),
            "b": str(RUN),
        }
    with SnapshotHistory(database_url) as history:
        found = {row["url"]: row for row in history.current("book").rows()}
    assert (found["a"]["valid_to"], found["a"]["run_id"], found["a"]["data"]) == ("theirs", 5, {})
    assert found["a"]["snapshot_run_id"] == RUN
    assert "valid_to" not in found["b"]
    assert found["b"]["snapshot_run_id"] == RUN
    assert (found["b"]["changed_at"], found["b"]["snapshot_changed_at"]) == (1, at(2))
    assert (found["a"]["last_confirmed_at"], found["b"]["last_confirmed_at"]) == (at(1), at(2))
    with SnapshotHistory(database_url) as history:
        [alone] = history.current("book", where={"url": "b"}).rows()
    assert (alone["run_id"], alone["valid_to"], alone["changed_at"]) == (RUN, None, 1)
    run_command(database_url, "show", "--csv")
    names = capsys.readouterr().out.splitlines()[0].split(",")
    assert {"valid_to", "snapshot_valid_to", "run_id", "snapshot_run_id"} <= set(names)
    run_command(database_url, "as-of", "now")
    assert "snapshot_changed_at" in capsys.readouterr().out.split("\n")[0]
    for options in ([], ["--versions"]):
        file = tmp_path / f"book{len(options)}.csv"
        run_command(database_url, "export", "-o", str(file), *options)
        lines = csv.DictReader(io.StringIO(file.read_text("utf-8")))
        assert {(row["valid_to"], row["snapshot_valid_to"]) for row in lines} == {
            ("theirs", ""),
            ("", ""),
        }


def test_long_names_are_cut_in_views_and_stay_apart(database_url: str) -> None:
    """A database would cut them itself, and take two for one."""
    fields = [("k", str), (f"{LONG}a", int), (f"{LONG}b", int)]
    long = snapshot(key="k", table="long")(make_dataclass("Long", fields))
    with stored(database_url, Declarations(), long("k", 1, 2)) as engine:
        [row] = rows(engine, "long_changes")
    cut = sorted(name for name in row if "x" in name)
    assert [row[name] for name in cut if name.startswith("new_")] in ([1, 2], [2, 1])
    assert all(len(name) == 63 for name in cut)
    assert len(cut) == 4


def test_names_of_statements_are_no_names_of_fields(database_url: str) -> None:
    """Aliases in our SQL may be the names of columns and of tables."""
    names = ("v", "x", "new", "old", "next", "parent", "row_0", "c", "o", "p")
    fields = [(name, str) for name in names]
    for table in ("x", "new", "old", "next", "parent"):
        row = snapshot(key="v")(make_dataclass("Row", fields))
        whole = snapshot(key="old", table=table)(
            make_dataclass("Whole", [*fields, ("rows", list[row])])  # type: ignore[valid-type]
        )
        seen = [
            whole(*[text, *["b"] * 2, "key", *["b"] * 6], [row(*["c"] * 9, text)]) for text in "ab"
        ]
        with stored(database_url, Declarations(), *seen) as engine:
            assert len(rows(engine, f'"{table}_changes"')) == 2
            assert len(rows(engine, f'"{table}_rows_changes"')) == 2
        with SnapshotHistory(database_url) as history:
            assert len(list(history.changes(table))) == 2


@pytest.mark.parametrize("name", ["xmin", "ctid", "tableoid"])
def test_names_of_the_database_are_refused_where_it_has_them(
    name: str, sqlite_url: str, postgresql_url: str
) -> None:
    """With the field and the cure; the other database stores them, and shows them."""
    item_class = snapshot(key="k", table="met")(make_dataclass("Met", [("k", str), (name, float)]))
    with stored(sqlite_url, Declarations(), item_class("a", 1.5)) as engine:
        assert [row[name] for row in rows(engine, "met_current")] == [1.5]
    with (
        pytest.raises(SchemaMismatchError) as caught,
        stored(postgresql_url, Declarations(), item_class("a", 1.5)),
    ):
        pass
    met = entity_tables(declared(item_class), sa.MetaData())
    with pytest.raises(SchemaMismatchError, match=f"Met.{name} cannot be stored"):
        ddl(sa.create_engine("postgresql+psycopg2://").dialect, [met])
    text = str(caught.value)
    assert text.startswith(f"Met.{name} cannot be stored: the database has a column {name} of its")
    assert f'exclude=("{name}",)' in text
