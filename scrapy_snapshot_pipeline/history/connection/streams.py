"""Results that are read a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

CHUNK = 500
"""How many entities share one query for their children; also how many rows are fetched at once."""
FIRST = 100
"""Length of the first chunk, so that the first results come quickly."""

_OPEN_RESULTS = "snapshot_open_results"

T = TypeVar("T")


def chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    """Lists of FIRST rows, then of CHUNK; the last may be shorter."""
    iterator, size = iter(rows), FIRST
    while chunk := list(islice(iterator, size)):
        yield chunk
        size = CHUNK


def stream(connection: Connection, statement: sa.Select[Any]) -> Iterator[Any]:
    """The rows of a cursor on the server, fetched a chunk at a time."""
    open_results = connection.info.setdefault(_OPEN_RESULTS, set())
    with connection.execute(statement.execution_options(yield_per=CHUNK)) as result:
        open_results.add(result)
        try:
            yield from result
        finally:
            open_results.discard(result)


def close_streams(connection: Connection) -> None:
    """Close the cursors of streams that were not read to their end; to be called before COMMIT."""
    for result in tuple(connection.info.get(_OPEN_RESULTS, ())):
        result.close()
