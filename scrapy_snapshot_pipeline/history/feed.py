"""The change feed: versions that began and versions that ended, merged by time.

Where both have the same time, ends come before beginnings; newest first reverses everything.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterator, Sequence
from itertools import chain, islice, repeat

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.history.conditions import Condition, in_time
from scrapy_snapshot_pipeline.history.connection.streams import CHUNK, FIRST
from scrapy_snapshot_pipeline.history.queries import Queries, StepRow

_SLICE = 4 * CHUNK
"""How many beginnings share one query for the ends between them; the first slice is shorter."""
_GROWTH = 8
"""Each page of beginnings is this many times as long as the page before it."""


def feed(
    connection: Connection,
    queries: Queries,
    begun: Sequence[Condition],
    ended: Sequence[Condition],
    *,
    newest_first: bool,
) -> Iterator[StepRow]:
    """Steps by time; the conditions are on `queries.v`.

    Ends are searched for slice by slice, between the times of a slice of beginnings.  A search for
    the latest end alone would read everything if nothing ever ended.
    """
    begins = beginnings(connection, queries, begun, newest_first=newest_first)
    edge: dt.datetime | None = None
    for size in chain((FIRST,), repeat(_SLICE)):
        found = list(islice(begins, size))
        last = found[-1].version.valid_from if len(found) == size else None
        time = in_time(queries.v.c.valid_to, *((last, edge) if newest_first else (edge, last)))
        ends = queries.ends(connection, *ended, time, newest_first=newest_first)
        yield from heapq.merge(found, ends, key=_order, reverse=newest_first)
        if last is None:
            return
        edge = last


def beginnings(
    connection: Connection, queries: Queries, where: Sequence[Condition], *, newest_first: bool
) -> Iterator[StepRow]:
    """All steps by `valid_from`, in pages; the first page is short, so that it comes quickly."""
    page: int = FIRST
    rest: list[Condition] = []
    while True:
        count, step = 0, None
        found = queries.steps(connection, *where, *rest, newest_first=newest_first, most=page)
        for count, step in enumerate(found, 1):  # noqa: B007 - used after the loop
            yield step
        if step is None or count < page:
            return
        page, rest = page * _GROWTH, [_beyond(queries, step, newest_first=newest_first)]


def _beyond(queries: Queries, step: StepRow, *, newest_first: bool) -> Condition:
    """What comes after this step in the order of `Queries.steps`."""
    v, last = queries.v, step.version
    columns = (v.c.valid_from, v.c.entity_id, v.c.snapshot_id)
    values = (last.valid_from, last.entity_id, last.snapshot_id)
    bound = sa.tuple_(*(sa.literal(x, c.type) for x, c in zip(values, columns, strict=True)))
    here = sa.tuple_(*columns)
    # The index has only the first column, so the condition on it is stated by itself.
    if newest_first:
        return sa.and_(v.c.valid_from <= last.valid_from, here < bound)
    return sa.and_(v.c.valid_from >= last.valid_from, here > bound)


def _order(step: StepRow) -> tuple[dt.datetime, bool, bytes]:
    version = step.version
    time = version.valid_to if step.ended else None
    return time or version.valid_from, not step.ended, version.entity_id
