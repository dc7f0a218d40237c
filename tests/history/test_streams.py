"""Cursors of results that are not read to their end."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import closing

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.history.connection.streams import CHUNK, stream
from scrapy_snapshot_pipeline.history.connection.transactions import Reader
from tests.history.filled import TABLE, Observation, fill

MANY = [Observation(f"e{number}", 0, 1, {}) for number in range(2 * CHUNK)]
"""More than are fetched at once."""


def names(connection: Connection) -> Iterator[str]:
    """A stream of all entities."""
    return stream(connection, sa.select(sa.column("name")).select_from(sa.table(TABLE)))


def test_cursor_is_closed_before_its_transaction_ends(
    postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Although somebody still holds the rows; a server's cursor cannot be closed later."""
    fill(postgresql_url, MANY, one_by_one=False)
    with closing(Reader(postgresql_url)) as reader:
        with reader.reading() as connection:
            rows = names(connection)
            assert next(rows)
        del rows
        gc.collect()
    assert not caplog.records


def test_streams_of_one_transaction_are_independent(database_url: str) -> None:
    """One that was read to its end does not end the other."""
    fill(database_url, MANY, one_by_one=False)
    with closing(Reader(database_url)) as reader, reader.reading() as connection:
        slow, fast = names(connection), names(connection)
        assert next(slow)
        assert len(list(fast)) == len(MANY)
        assert len(list(slow)) == len(MANY) - 1
