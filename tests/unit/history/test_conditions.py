"""Conditions on ids and times, asked of SQLite and compared with what they say in Python.

What a server does with them is tested where the history reads on both databases.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import product

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.history.conditions import (
    Condition,
    at_time,
    in_time,
    lasting,
    one_of,
    overlapping,
)

START = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - SQLite's own type has no zone
SECONDS = range(6)

Row = tuple[int, "int | None"]
"""`valid_from` and `valid_to`, in seconds."""
ROWS: list[Row] = [
    (start, end) for start, end in product(SECONDS, (*SECONDS, None)) if end is None or start <= end
]

TABLE = sa.table(
    "version",
    sa.column("valid_from", sa.DateTime()),
    sa.column("valid_to", sa.DateTime()),
    sa.column("entity_id", sa.LargeBinary()),
)


def at(second: int | None) -> dt.datetime | None:
    """The time of a second."""
    return None if second is None else START + dt.timedelta(seconds=second)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A database with every row, each with an id of its own."""
    with sa.create_engine("sqlite://").connect() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE version (valid_from TIMESTAMP, valid_to TIMESTAMP, entity_id BLOB)"
        )
        values = [
            {"valid_from": at(start), "valid_to": at(end), "entity_id": bytes([number])}
            for number, (start, end) in enumerate(ROWS)
        ]
        connection.execute(sa.insert(TABLE), values)
        yield connection


def met(connection: Connection, condition: Condition) -> list[Row]:
    """The rows that meet a condition."""
    query = sa.select(TABLE.c.entity_id).where(condition).order_by(TABLE.c.entity_id)
    return [ROWS[row[0][0]] for row in connection.execute(query)]


def test_lasting_rows_have_a_length(connection: Connection) -> None:
    """A row that came late begins and ends in one instant."""
    assert met(connection, lasting(TABLE)) == [(start, end) for start, end in ROWS if end != start]


def test_row_is_valid_from_its_start_to_before_its_end(connection: Connection) -> None:
    """So one that follows at once never shares an instant with it."""
    for second in SECONDS:
        assert met(connection, at_time(TABLE, at(second))) == [
            (start, end) for start, end in ROWS if start <= second and (end is None or second < end)
        ]


def test_current_rows_have_no_end(connection: Connection) -> None:
    """Whatever time it is."""
    assert met(connection, at_time(TABLE, None)) == [
        (start, end) for start, end in ROWS if end is None
    ]


@pytest.mark.parametrize("first", [*SECONDS, None])
def test_overlapping_rows_are_valid_at_some_instant(
    connection: Connection, first: int | None
) -> None:
    """Of the time from the first to the last, both included; a missing bound is no bound."""
    for last in (*range(first or 0, len(SECONDS)), None):
        instants = range(first or 0, len(SECONDS) if last is None else last + 1)
        expected = [
            (start, end)
            for start, end in ROWS
            if any(start <= i and (end is None or i < end) for i in instants)
        ]
        assert met(connection, overlapping(TABLE, at(first), at(last))) == expected


@pytest.mark.parametrize("after", [*SECONDS, None])
def test_time_is_after_the_first_and_up_to_the_last(
    connection: Connection, after: int | None
) -> None:
    """What happened at the first instant is left out; a missing bound is no bound."""
    for until in (*SECONDS, None):
        assert met(connection, in_time(TABLE.c.valid_from, at(after), at(until))) == [
            (start, end)
            for start, end in ROWS
            if (after is None or start > after) and (until is None or start <= until)
        ]


def test_one_of_several_ids(connection: Connection) -> None:
    """And none of no ids."""
    ids = [bytes([3]), bytes([1]), b"other"]
    assert met(connection, one_of(connection, TABLE.c.entity_id, ids)) == [ROWS[1], ROWS[3]]
    assert met(connection, one_of(connection, TABLE.c.entity_id, [])) == []
