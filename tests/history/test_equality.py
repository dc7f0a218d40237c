"""A version exists exactly where something differs, and what differs is shown: on each database."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.commands.output.json_output import plain_text
from scrapy_snapshot_pipeline.commands.output.table_rows import difference_rows, version_rows
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.history import Change, ChangeKind, FieldChange, SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch, Outcome
from scrapy_snapshot_pipeline.report import ReportOptions, build_page
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.look_alikes import NAMES, NUMBERS, VALUES, nearly, pairs, plainly

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
RUN = uuid.UUID(int=1)
UNTYPED = "book"


@snapshot(key="name")
@dataclass
class Part:
    """A row with whatever."""

    name: str
    extra: Any = None


@snapshot(key="name", table="equality_thing")
@dataclass
class Thing:
    """A field of each kind whose values Python compares in its own way."""

    name: str
    whole: int | None = None
    real: float | None = None
    exact: Decimal | None = None
    flag: bool | None = None
    moment: dt.datetime | None = None
    nested: Any = None
    rates: dict[str, float] | None = None
    prices: dict[str, Decimal] | None = None
    parts: list[Part] = field(default_factory=list)


class Watched:
    """A database whose entities are seen twice each, and its history."""

    def __init__(self, store: SnapshotStore, history: SnapshotHistory) -> None:
        self.history = history
        self._store = store
        self._names = map("entity {}".format, itertools.count())

    def see(self, make: Callable[[str, Any], object], one: object, other: object) -> Seen:
        """Store two observations of a new entity; `make` gives the item of a name and a content."""
        name = next(self._names)
        for second, content in enumerate((one, other)):
            item = make(name, content)
            declaration = DECLARATIONS.of(type(item))
            assert declaration is not None
            observed = compile_capture(declaration)(item, START + second * SECOND, RUN)
            [outcome] = self._store.write(Batch((observed,))).outcomes
        return Seen(self.history, observed.table, name, outcome)


@dataclass
class Seen:
    """An entity that was seen twice."""

    history: SnapshotHistory
    table: str
    name: str
    outcome: Outcome

    @property
    def versions(self) -> list[Change]:
        """All of its versions."""
        return list(self.history.versions(self.table, self.name))

    def check(self) -> bool:
        """Whether it has a second version, which must show a difference wherever one looks."""
        where = {"name": self.name}
        versions = self.versions
        revised = len(versions) == 2
        assert self.outcome is (Outcome.REVISED if revised else Outcome.CONFIRMED)
        changes = list(self.history.changes(self.table, where=where, newest_first=False))
        assert changes == versions
        differences = list(self.history.diff(self.table, START, START + SECOND, where=where))
        assert len(differences) == (1 if revised else 0)
        for change, difference in zip(versions[1:], differences, strict=True):
            assert change.kind is ChangeKind.CHANGED
            assert (change.fields, change.children) == (difference.fields, difference.children)
            lines = list(version_rows(change)), list(difference_rows(difference))[1:]
            assert all(map(shows_difference, lines[0] + lines[1]))
        return revised


def shows_difference(line: Mapping[str, object]) -> bool:
    """Whether a line of a table says that a row came or went, or has two cells that differ."""
    what = str(line.get("what") or line.get("entity, field"))
    old, new = ("" if line[end] is None else plain_text(line[end]) for end in ("old", "new"))
    return old != new or what.endswith((" added", " removed"))


SECOND = dt.timedelta(seconds=1)
DECLARATIONS = Declarations({dict: {"table": UNTYPED, "key": "name"}})


@contextmanager
def watched(url: str) -> Iterator[Watched]:
    """A new database with both tables."""
    store = SnapshotStore(connect_engine(url, connect_timeout=10))
    try:
        store.declare([found for kind in (dict, Thing) if (found := DECLARATIONS.of(kind))])
        with SnapshotHistory(url) as history:
            yield Watched(store, history)
    finally:
        store.close()


def few(url: str) -> settings:
    """An example writes twice and asks three times, on a server more slowly."""
    most = 200 if url.startswith("sqlite") else 25
    return settings(max_examples=min(most, settings().max_examples))


def book(name: str, data: Any) -> object:
    """An item without types."""
    return {"name": name, **data}


def thing(name: str, fields: Any) -> object:
    """An item with types."""
    return Thing(name, **fields)


def differs(data: dict[str, object], other: dict[str, object]) -> bool:
    """In plain words: a field of an item that is None is not there."""
    one, two = ({n: v for n, v in each.items() if v is not None} for each in (data, other))
    return plainly(one) != plainly(two)


def test_untyped_items_have_a_version_where_something_differs(database_url: str) -> None:
    """For any two contents: then, and only then, it is shown."""
    data = st.dictionaries(NAMES, VALUES, max_size=3)
    with watched(database_url) as database:

        @few(database_url)
        @given(pairs(data).filter(lambda pair: all(isinstance(each, dict) for each in pair)))
        def holds(pair: tuple[dict[str, object], dict[str, object]]) -> None:
            assert database.see(book, *pair).check() is differs(*pair)

        holds()


FINITE = NUMBERS.filter(lambda number: abs(number) < 2**1000)
FLOATS = FINITE.filter(lambda number: isinstance(number, float) or abs(number) <= 2**53)
MOMENTS = st.datetimes(dt.datetime(2020, 1, 1), timezones=st.sampled_from(  # noqa: DTZ001 - see there
    [dt.timezone.utc, dt.timezone(dt.timedelta(hours=2))]
))  # fmt: skip
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "whole": st.none() | st.integers(-2, 2),
        "real": st.none() | FLOATS,
        "exact": st.none() | FINITE | st.decimals(-9, 9, places=3),
        "flag": st.none() | st.booleans() | st.sampled_from([0, 1, "true"]),
        "moment": st.none() | MOMENTS,
        "nested": VALUES,
        "rates": st.none() | st.dictionaries(NAMES, FLOATS),
        "prices": st.none() | st.dictionaries(NAMES, FINITE | st.decimals(-9, 9, places=3)),
    },
)
PARTS = st.dictionaries(NAMES, VALUES, max_size=2)


@st.composite
def things(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of two items; what has no type of its own is often nearly equal in both."""
    one, other = draw(FIELDS), draw(FIELDS)
    rows = draw(PARTS)
    others = {name: draw(nearly(extra)) for name, extra in rows.items()} or draw(PARTS)
    other = draw(st.sampled_from([other, {**one}]))
    if "nested" in one:
        other = {**other, "nested": draw(nearly(one["nested"]))}
    one["parts"] = [Part(*row) for row in rows.items()]
    return one, {**other, "parts": [Part(*row) for row in others.items()]}


def test_typed_items_have_a_version_where_something_differs(database_url: str) -> None:
    """Columns, JSON and child rows alike."""
    with watched(database_url) as database:

        @few(database_url)
        @given(things())
        def holds(pair: tuple[dict[str, object], dict[str, object]]) -> None:
            database.see(thing, *pair).check()

        holds()


@pytest.mark.parametrize(
    ("one", "other", "leaf"),
    [
        ({"n": 10}, {"n": 10.0}, None),
        ({"n": [1e16]}, {"n": [10**16]}, None),
        ({"n": Decimal("10.00")}, {"n": Decimal(10)}, None),
        ({"b": 0}, {"b": False}, FieldChange("b", 0, False)),
        ({"b": True}, {"b": 1}, FieldChange("b", True, 1)),
        ({"n": 10}, {"n": "10"}, FieldChange("n", 10, "10")),
        ({"o": {"x": 1, "y": 2}}, {"o": {"x": True, "y": 2}}, FieldChange("o.x", 1, True)),
        ({"o": {"x": None}}, {"o": {}}, FieldChange("o", {"x": None}, {})),
    ],
)
def test_a_difference_is_of_its_type(
    database_url: str, one: object, other: object, leaf: FieldChange | None
) -> None:
    """Shown as it was observed, down to the member that differs."""
    with watched(database_url) as database:
        seen = database.see(book, one, other)
        assert seen.check() is (leaf is not None)
        leaves = [
            each for change in seen.versions[1:] for f in change.fields for each in f.leaves()
        ]
        assert list(map(repr, leaves)) == ([] if leaf is None else [repr(leaf)])


def test_what_is_stored_stays_as_it_was_observed(database_url: str) -> None:
    """The first observation of a version is what it holds."""
    with watched(database_url) as database:
        seen = database.see(book, {"n": 10.0}, {"n": 10})
        [version] = seen.versions
        assert repr(version.values["n"]) == "10.0"


def test_a_number_that_becomes_a_boolean_harms_no_question(database_url: str) -> None:
    """A boolean is no number, so it has no way to move and no place in a statistic."""
    with watched(database_url) as database:
        first = database.see(book, {"b": 0, "n": 10}, {"b": False, "n": 12})
        database.see(book, {"b": True, "n": 10}, {"b": 1, "n": "10"})
        history, table = database.history, first.table
        assert list(history.movers(table, "b", since=START, by="absolute")) == []
        [moved] = history.movers(table, "n", since=START, by="absolute")
        assert (moved.old, moved.new) == (Decimal(10), Decimal(12))
        assert [step.value for step in history.steps(table, first.name, "b")] == [0]
        page = build_page(history, ReportOptions(), START + dt.timedelta(days=1))
        lines = {(x.field, x.old, x.new) for entry in page.feed for x in entry.lines}
        assert {("b", "0", "False"), ("b", "True", "1"), ("n", "10", '"10"')} <= lines


def test_views_show_both_values(database_url: str) -> None:
    """As text, so that SQL sees what Python does."""
    with watched(database_url) as database:
        database.see(book, {"b": 0}, {"b": False})
        database.see(book, {"n": 10}, {"n": 10.0})
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    columns = ", ".join(f"CAST({end}_data AS TEXT)" for end in ("old", "new"))
    question = f"SELECT {columns} FROM {UNTYPED}_changes WHERE kind = 'changed'"  # noqa: S608 - ours
    with engine.connect() as connection:
        rows = connection.execute(sa.text(question)).all()
    assert [[text.replace(" ", "") for text in row] for row in rows] == [['{"b":0}', '{"b":false}']]
