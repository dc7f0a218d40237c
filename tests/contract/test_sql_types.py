"""SQL types in `Annotated`: what is stored is what was observed, alike on every database."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from dataclasses import dataclass, make_dataclass
from decimal import Decimal
from typing import Annotated, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.errors import CaptureError, SchemaMismatchError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch, Outcome
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.entities import RUN, at
from tests.contract.stores import DATABASES, found_at, place


def stored(
    request: pytest.FixtureRequest, kind: str, item_class: type, *items: Any
) -> tuple[list[Outcome], list[dict[str, Any]]]:
    """What became of items that were seen one after the other, and the entities afterwards."""
    url, far = found_at(request, kind)
    declaration = Declarations().of(item_class)
    assert declaration is not None
    engine = connect_engine(url, connect_timeout=10)
    place(engine, far=far)
    store = SnapshotStore(engine)
    capture = compile_capture(declaration)
    try:
        store.declare([declaration])
        outcomes = [
            outcome
            for second, item in enumerate(items, 1)
            for outcome in store.write(Batch((capture(item, at(second), RUN),))).outcomes
        ]
    finally:
        store.close()
    with SnapshotHistory(url) as history:
        states = sorted(history.current(declaration.table), key=lambda s: str(s.key.values()))
        keys = [history.versions(declaration.table, state.key) for state in states]
        assert all(len(list(versions)) >= 1 for versions in keys)
        return outcomes, [dict(state.values) for state in states]


def of_type(annotation: Any) -> type:
    """An item with a field `x` of that type."""
    return snapshot(key="k", table="typed")(
        make_dataclass("Typed", [("k", str), ("x", annotation)])
    )


NOON = dt.time(12, 0, 0, 999_999)
NEARLY = dt.time(12, 0, 0, 999_000)


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize(
    ("annotation", "seen", "expected"),
    [
        (Annotated[float, sa.Numeric(10, 2)], (0.331, 0.332), 0.33),
        (Annotated[float, sa.Numeric(10, 2)], (-0.005, -0.0051), -0.01),
        (Annotated[float, sa.Numeric()], (0.1, 0.1), 0.1),
        (Annotated[float, sa.REAL()], (0.1, 0.100000001), 0.1),
        (Annotated[float, sa.Float(24)], (16777217.0, 16777216.0), 16777216.0),
        (Annotated[float, sa.Float(53)], (0.1 + 0.2, 0.1 + 0.2), 0.1 + 0.2),
        (Annotated[str, sa.CHAR(5)], ("ab", "ab  "), "ab   "),
        (Annotated[str, sa.CHAR], ("a", "a"), "a"),
        (Annotated[dt.time, postgresql.TIME(precision=0)], (NOON, dt.time(12)), dt.time(12)),
        (Annotated[dt.time, postgresql.TIME(precision=3)], (NOON, "12:00:00.9994"), NEARLY),
        (Annotated[dt.time, sa.Time()], (NOON, NOON), NOON),
        (Annotated[int, sa.Numeric(20)], (2**53 + 1, 2**53 + 1), 2**53 + 1),
        (Annotated[Decimal, sa.Numeric(10, 2)], ("1.005", "1.0051"), Decimal("1.01")),
        (Annotated[str, postgresql.JSONB()], ('{"x": 1}', '{"x": 1}'), '{"x": 1}'),
        (Annotated[str, sa.JSON()], ('"a"', '"a"'), '"a"'),
    ],
)
def test_what_a_type_cuts_is_cut_before_it_is_compared(
    request: pytest.FixtureRequest, database: str, annotation: Any, seen: Any, expected: Any
) -> None:
    """So two values that are stored as one are no change."""
    item_class = of_type(annotation)
    items = (item_class("a", value) for value in seen)
    outcomes, [state] = stored(request, database, item_class, *items)
    assert outcomes == [Outcome.INSERTED, Outcome.CONFIRMED]
    assert state["x"] == expected


@snapshot(key="id")
@dataclass
class Numbered:
    """A key of 64 bits in a column for longer ones."""

    id: Annotated[int, sa.Numeric(20)]
    code: Annotated[str, sa.CHAR(3)] = "x"


@pytest.mark.parametrize("database", DATABASES)
def test_neighbouring_integers_are_two_entities(
    request: pytest.FixtureRequest, database: str
) -> None:
    """SQLite would keep both as one float."""
    ids = [2**53 + 1, 2**53, 2**63 - 1]
    outcomes, states = stored(request, database, Numbered, *map(Numbered, ids))
    assert outcomes == [Outcome.INSERTED] * 3
    assert {state["id"] for state in states} == set(ids)
    assert {type(state["id"]) for state in states} == {int}


SINGLE = of_type(Annotated[float, sa.REAL()])


@settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(numbers=st.lists(st.floats(-3e38, 3e38), min_size=40, max_size=40))
def test_a_float_of_32_bits_is_the_one_that_the_server_shows(
    postgresql_url: str, numbers: list[float]
) -> None:
    """With its digits, for any number."""
    declaration = Declarations().of(SINGLE)
    assert declaration is not None
    capture = compile_capture(declaration)
    values = [capture(SINGLE("a", n), at(1), RUN).values[1] for n in numbers]
    engine = sa.create_engine(postgresql_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        shown = connection.exec_driver_sql(
            "SELECT n::real FROM unnest(%s) AS n", (values,)
        ).scalars()
        assert list(shown) == values


@pytest.mark.parametrize("database", DATABASES)
def test_a_duration_is_stored_exactly(request: pytest.FixtureRequest, database: str) -> None:
    """As an interval, or as the text of its seconds."""
    item_class = of_type(dt.timedelta)
    lengths = [dt.timedelta(1, 5400, 7), dt.timedelta(microseconds=-1), dt.timedelta.max, "PT90M"]
    items = [item_class(str(index), length) for index, length in enumerate(lengths)]
    _, states = stored(request, database, item_class, *items)
    by_key = {state["k"]: state["x"] for state in states}
    assert [by_key[str(index)] for index in range(4)] == [*lengths[:3], dt.timedelta(minutes=90)]


def test_a_type_that_a_database_does_not_have_is_refused_with_the_cure(sqlite_url: str) -> None:
    """At the start, by column and table."""
    declaration = Declarations().of(of_type(Annotated[str, postgresql.CITEXT()]))
    assert declaration is not None
    store = SnapshotStore(connect_engine(sqlite_url, connect_timeout=10))
    with closing(store), pytest.raises(SchemaMismatchError) as caught:
        store.declare([declaration])
    assert str(caught.value).startswith(
        "column x of table typed has the SQL type CITEXT, which sqlite does not have; use another"
    )


@pytest.mark.parametrize(("kind", "most"), [(sa.SmallInteger, 2**15 - 1), (sa.Integer, 2**31 - 1)])
def test_an_int_is_refused_alike_where_its_column_has_no_room(
    database_url: str, kind: type[sa.Integer], most: int
) -> None:
    """By capture, and not by one database only; a column of more bits is another kind."""
    item_class = of_type(Annotated[int, kind()])
    found = Declarations().of(item_class)
    assert found is not None
    capture = compile_capture(found)
    with pytest.raises(CaptureError, match=r"Typed\.x: expected an int within .* bits"):
        capture(item_class("a", most + 1), at(1), RUN)
    with closing(SnapshotStore(connect_engine(database_url, connect_timeout=10))) as store:
        store.declare([found])
        store.write(Batch((capture(item_class("a", most), at(1), RUN),)))
        wider = Declarations().of(of_type(int))
        assert wider is not None
    again = closing(SnapshotStore(connect_engine(database_url, connect_timeout=10)))
    refused = pytest.raises(SchemaMismatchError, match="created for integers of")
    with again as store, refused:
        store.declare([wider])
