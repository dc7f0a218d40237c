"""The runs, and the times that a run stands for."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.connection.streams import stream
from scrapy_snapshot_pipeline.history.connection.transactions import Reader
from scrapy_snapshot_pipeline.history.results import Run
from scrapy_snapshot_pipeline.store.schema.runs import CRAWL, FINISHED
from scrapy_snapshot_pipeline.store.schema.tables import RUNS

Moment: TypeAlias = "dt.datetime | uuid.UUID"
"""An aware time, or the id of a run."""

_COUNTERS = tuple(c.name for c in RUNS.columns if isinstance(c.type, sa.BigInteger))
_LAST = dt.datetime.max.replace(tzinfo=dt.timezone.utc)


def all_runs(connection: Connection, spider: str | None, table: str | None) -> Iterator[Run]:
    """Latest first; streamed.

    With `table`, only crawls that stored or confirmed something there, as far as is known.
    """
    statement = select_runs(connection).order_by(RUNS.c.started_at.desc(), RUNS.c.run_id)
    if spider is not None:
        statement = statement.where(RUNS.c.spider == spider)
    for run in map(_run, stream(connection, statement)):
        if table is None or _is_crawl_of(table, run):
            yield run


def _is_crawl_of(table: str, run: Run) -> bool:
    return run.kind == CRAWL and (run.seen is None or table in run.seen)


def select_runs(connection: Connection) -> sa.Select[Any]:
    """All columns of `snapshot_runs`; NULL for one that a database of an older release lacks."""
    stored = {column["name"] for column in sa.inspect(connection).get_columns(RUNS.name)}
    columns: list[sa.ColumnElement[Any]] = [
        column if column.name in stored else sa.null().label(column.name) for column in RUNS.columns
    ]
    return sa.select(*columns)


def look_starts(connection: Connection) -> dict[str, dt.datetime]:
    """When the last complete look of each spider started.

    A look is a crawl that finished, together with the crawls that it resumed: what they saw, it
    saw too.
    """
    runs = select_runs(connection)
    finished = runs.where(RUNS.c.status == FINISHED).subquery()
    crawls = sa.or_(finished.c.kind.is_(None), finished.c.kind == CRAWL)
    latest = (
        sa.select(finished.c.spider, sa.func.max(finished.c.started_at).label("started_at"))
        .where(crawls)
        .group_by(finished.c.spider)
        .subquery()
    )
    last = sa.select(finished).join(
        latest,
        sa.and_(latest.c.spider == finished.c.spider, latest.c.started_at == finished.c.started_at),
    )
    return {
        row.spider: _first_start(connection, runs, row) for row in connection.execute(last).all()
    }


def _first_start(connection: Connection, runs: sa.Select[Any], run: sa.Row[Any]) -> dt.datetime:
    seen = {run.run_id}
    while run.resumes is not None and run.resumes not in seen:
        seen.add(run.resumes)
        resumed = connection.execute(runs.where(RUNS.c.run_id == run.resumes)).first()
        if resumed is None:
            break
        run = resumed
    started_at: dt.datetime = run.started_at
    return started_at


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
            statement = select_runs(connection).where(RUNS.c.run_id == run_id)
            row = connection.execute(statement).first()
        if row is None:
            raise HistoryError(f"there is no run {run_id}; runs() lists those that there are")
        return _run(row)


def _aware(moment: dt.datetime) -> dt.datetime:
    if moment.utcoffset() is None:
        raise HistoryError(
            "a time without a zone is ambiguous; attach one, for example timezone.utc"
        )
    return moment.astimezone(dt.timezone.utc)


def _run(row: sa.Row[Any]) -> Run:
    return Run(
        run_id=row.run_id,
        spider=row.spider,
        started_at=row.started_at,
        finished_at=row.finished_at,
        status=row.status,
        finish_reason=row.finish_reason,
        counters={name: getattr(row, name) for name in _COUNTERS},
        kind=row.kind or CRAWL,
        resumes=row.resumes,
        seen=None if row.seen is None else json.loads(row.seen),
    )
