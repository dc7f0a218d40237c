"""Results that are read a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

CHUNK = 500
"""Entities whose children are asked for at once; also rows fetched at once."""
FIRST = 100
"""Of the first chunk, so that what is looked at first comes at once."""

_OPEN_RESULTS = "snapshot_open_results"

T = TypeVar("T")


def chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    """Lists of FIRST, and then of CHUNK; the last may be shorter."""
    iterator, most = iter(rows), FIRST
    while chunk := list(islice(iterator, most)):
        yield chunk
        most = CHUNK


def stream(connection: Connection, statement: sa.Select[Any]) -> Iterator[Any]:
    """Rows of a cursor on the server, a chunk at a time."""
    open_results = connection.info.setdefault(_OPEN_RESULTS, set())
    with connection.execute(statement.execution_options(yield_per=CHUNK)) as result:
        open_results.add(result)
        try:
            yield from result
        finally:
            open_results.discard(result)


def close_streams(connection: Connection) -> None:
    """Close the cursors of streams that were not read to their end, while they still can be."""
    for result in tuple(connection.info.get(_OPEN_RESULTS, ())):
        result.close()
