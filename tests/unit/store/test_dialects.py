"""What the statements ask of a database, without one."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.engine import make_url

from scrapy_snapshot_pipeline.store.sql.dialects import (
    DatabaseFeatures,
    PostgresqlFeatures,
    SqliteFeatures,
    features_of,
    in_slices,
)

SQLITE, POSTGRESQL = SqliteFeatures(), PostgresqlFeatures()
ID, OTHER_ID = bytes(range(16)), b"\xff" * 16
TIME = dt.datetime(2026, 1, 2, 3, 4, 5, 6, dt.timezone.utc)


def test_every_server_is_taken_for_postgresql() -> None:
    """And SQLite for itself."""
    assert isinstance(features_of(make_url("sqlite://").get_dialect()()), SqliteFeatures)
    assert isinstance(
        features_of(make_url("postgresql+psycopg2://").get_dialect()()), PostgresqlFeatures
    )


def test_slices_keep_all_rows_in_their_order() -> None:
    """The last one may be shorter."""
    assert list(in_slices("abcde", 2)) == ["ab", "cd", "e"]
    assert list(in_slices("", 2)) == []


@pytest.mark.parametrize("width", [1, 4, 32_766])
def test_no_slice_has_more_parameters_than_sqlite_takes(width: int) -> None:
    """As many as possible, though."""
    most = 32_766 // width
    sizes = [len(some) for some in SQLITE.slices(range(2 * most + 1), width)]
    assert sizes == [most, most, 1]
    assert [len(some) for some in POSTGRESQL.slices(range(2 * most + 1), width)] == [2 * most + 1]


@pytest.mark.parametrize("features", [SQLITE, POSTGRESQL])
def test_of_nothing_there_is_no_statement(features: DatabaseFeatures) -> None:
    """Nothing is sent where there is nothing to say."""
    assert list(features.sources((features.digest,), [])) == []
    assert list(features.slices([], 3)) == []


def test_rows_travel_to_sqlite_as_values() -> None:
    """One parameter a value; times as text that sorts."""
    types = (SQLITE.digest, SQLITE.time)
    assert list(SQLITE.sources(types, [(ID, TIME), (OTHER_ID, None)])) == [
        ("VALUES (?, ?), (?, ?)", (ID, "2026-01-02 03:04:05.000006+00:00", OTHER_ID, None))
    ]


def test_rows_travel_to_postgresql_as_arrays() -> None:
    """One parameter a column, with the NULLs of an array."""
    types = (POSTGRESQL.digest, POSTGRESQL.hash, POSTGRESQL.bigint, POSTGRESQL.time)
    [(source, parameters)] = POSTGRESQL.sources(types, [(ID, ID, -1, TIME), (ID, ID, 2, None)])
    assert (
        source == "SELECT * FROM unnest(%s::uuid[], %s::bytea[], %s::bigint[], %s::timestamptz[])"
    )
    assert parameters == (
        f"{{{ID.hex()},{ID.hex()}}}",
        f'{{"\\\\x{ID.hex()}","\\\\x{ID.hex()}"}}',
        "{-1,2}",
        "{2026-01-02T03:04:05.000006+00:00,NULL}",
    )


def test_ids_are_listed_in_conditions() -> None:
    """Each database in its own way."""
    assert list(SQLITE.among([ID, OTHER_ID])) == [("IN (?, ?)", (ID, OTHER_ID))]
    assert list(POSTGRESQL.among([ID, OTHER_ID])) == [
        ("= ANY(%s::uuid[])", (f"{{{ID.hex()},{OTHER_ID.hex()}}}",))
    ]


def test_packed_children_are_unpacked_alike() -> None:
    """Id and hash as one key, the version that the row came with, and its shape."""
    assert list(SQLITE.unpack_children((ID, OTHER_ID, -5, 3))) == [(ID + OTHER_ID, -5, 3)]
    packed = ID + OTHER_ID + (-5).to_bytes(8, "big", signed=True) + (3).to_bytes(2, "big")
    row = (packed + packed,)
    assert list(POSTGRESQL.unpack_children(row)) == [(ID + OTHER_ID, -5, 3)] * 2
