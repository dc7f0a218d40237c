"""The crawls, and the times that a run stands for."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.connection.streams import stream
from scrapy_snapshot_pipeline.history.connection.transactions import Reader
from scrapy_snapshot_pipeline.history.results import Run
from scrapy_snapshot_pipeline.store.schema.tables import RUNS

Moment: TypeAlias = "dt.datetime | uuid.UUID"
"""An aware time, or the id of a run."""

_COUNTERS = tuple(c.name for c in RUNS.columns if isinstance(c.type, sa.BigInteger))
_LAST = dt.datetime.max.replace(tzinfo=dt.timezone.utc)


def all_runs(connection: Connection, spider: str | None) -> Iterator[Run]:
    """Latest first; streamed."""
    statement = sa.select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.run_id)
    if spider is not None:
        statement = statement.where(RUNS.c.spider == spider)
    for row in stream(connection, statement):
        yield _run(row)


class Moments:
    """Turns moments into times in UTC.  Raises HistoryError for a naive time or an unknown run."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def start(self, moment: Moment) -> dt.datetime:
        """A run stands for its start."""
        return self._run(moment).started_at if isinstance(moment, uuid.UUID) else _aware(moment)

    def end(self, moment: Moment) -> dt.datetime:
        """A run stands for its end; without one, for the start of the next run of its spider."""
        if not isinstance(moment, uuid.UUID):
            return _aware(moment)
        run = self._run(moment)
        if run.finished_at is not None:
            return run.finished_at
        later = sa.select(sa.func.min(RUNS.c.started_at)).where(
            RUNS.c.spider == run.spider, RUNS.c.started_at > run.started_at
        )
        with self._reader.reading() as connection:
            return connection.execute(later).scalar() or _LAST

    def _run(self, run_id: uuid.UUID) -> Run:
        with self._reader.reading() as connection:
            row = connection.execute(sa.select(RUNS).where(RUNS.c.run_id == run_id)).first()
        if row is None:
            raise HistoryError(f"there is no run {run_id}; runs() lists those that there are")
        return _run(row)


def _aware(moment: dt.datetime) -> dt.datetime:
    if moment.utcoffset() is None:
        raise HistoryError(
            "a time without a zone is ambiguous; attach one, for example timezone.utc"
        )
    return moment.astimezone(dt.timezone.utc)


def _run(row: sa.Row[tuple[object, ...]]) -> Run:
    return Run(
        run_id=row.run_id,
        spider=row.spider,
        started_at=row.started_at,
        finished_at=row.finished_at,
        status=row.status,
        finish_reason=row.finish_reason,
        counters={name: getattr(row, name) for name in _COUNTERS},
    )
