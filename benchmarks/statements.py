"""The time of a batch by statement, as the writer thread sees it."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any, ClassVar

import sqlalchemy as sa
from psycopg2.extensions import cursor

from benchmarks.databases import Databases
from benchmarks.items import BATCH, declaration
from benchmarks.measure import Row, timed
from benchmarks.writer import Load
from scrapy_snapshot_pipeline.records import Batch, SnapshotRecord
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore

_WHAT = [
    (re.compile(r"INSERT INTO (\w+) AS x"), "lock"),
    (re.compile(r"UPDATE (\w+)"), "update"),
    (re.compile(r"COPY (\w+)"), "copy"),
    (re.compile(r"FROM (\w+)"), "read"),
    (re.compile(r"COMMIT()"), "commit"),
]
"""The first pattern that is found in a statement says what it does, and to which table."""
_WARM_UP = 2
"""Batches that do not count; a statement that is planned for the first time takes longer."""
_KINDS: dict[str, tuple[int, Callable[[Load], list[SnapshotRecord]]]] = {
    "new, 5 children": (5, Load.new),
    "unchanged, 5 children": (5, Load.unchanged),
    "one of 50 children changed": (50, Load.child_changed),
}


def measure(databases: Databases, runs: int) -> Iterator[Row]:
    """The medians of `runs` batches of each kind."""
    for kind, (children, seen) in _KINDS.items():
        for what, seconds in _times(databases, children, seen, runs).items():
            detail = f"{seconds / BATCH * 1e6:.1f} microseconds an entity"
            yield Row("D", f"statement, {kind}: {what}", None, "", detail, runs)


def _times(
    databases: Databases, children: int, seen: Callable[[Load], list[SnapshotRecord]], runs: int
) -> dict[str, float]:
    """The seconds of each statement of a batch, and of the whole batch."""
    url = databases.postgresql()
    load = Load(BATCH, children)
    engine = connect_engine(url, connect_timeout=10)
    sa.event.listen(engine, "connect", _time_statements)
    store = SnapshotStore(engine)
    store.declare([declaration()])
    store.write(Batch(tuple(load.unchanged())))
    taken: list[dict[str, float]] = []
    for _ in range(_WARM_UP + runs):
        batch = Batch(tuple(seen(load)))
        _Timed.seconds.clear()
        whole = timed(partial(store.write, batch))
        taken.append({**_Timed.seconds, "whole batch": whole})
    store.close()
    databases.drop(url)
    measured = taken[_WARM_UP:]
    return {what: median(each[what] for each in measured) for what in measured[0]}


def _time_statements(connection: Any, _: object) -> None:
    connection.cursor_factory = _Timed


class _Timed(cursor):  # type: ignore[misc] # psycopg2 comes without types
    """psycopg2's cursor, which takes the time of each statement."""

    seconds: ClassVar[defaultdict[str, float]] = defaultdict(float)

    def execute(self, query: Any, parameters: Any = None) -> None:
        self._time(query, lambda: super(_Timed, self).execute(query, parameters))

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        self._time(sql, lambda: super(_Timed, self).copy_expert(sql, file, size))

    def _time(self, sql: Any, run: Callable[[], object]) -> None:
        started = time.perf_counter()
        run()
        self.seconds[_what(sql)] += time.perf_counter() - started


def _what(sql: str) -> str:
    for pattern, name in _WHAT:
        if found := pattern.search(sql):
            return f"{name} {found[1]}".strip()
    return "other"
