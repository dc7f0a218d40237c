"""A crawl's row in `snapshot_runs`: what it did, and whether it came to its end."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.records import NOT_STORED
from scrapy_snapshot_pipeline.store.schema.tables import RUNS

CRAWL = "crawl"
PARSE = "parse"
"""Kinds of runs: of `scrapy crawl` and its like, and of `scrapy parse --pipelines`."""

RUNNING = "running"
FINISHED = "finished"
INCOMPLETE = "incomplete"

_MISSING = (*(outcome.value for outcome in NOT_STORED), "rejected")


@dataclass(frozen=True, slots=True)
class Run:
    """A crawl that begins."""

    run_id: uuid.UUID
    spider: str
    started_at: dt.datetime
    kind: str = CRAWL
    resumes: uuid.UUID | None = None
    """The run that this one continues."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """A crawl that ended."""

    run_id: uuid.UUID
    finished_at: dt.datetime
    finish_reason: str
    """Scrapy's reason; "finished" where the spider came to its end by itself."""
    counters: Mapping[str, int]
    """By the names of their columns in `snapshot_runs`."""
    seen: Mapping[str, int] | None = None
    """Records that were stored or confirmed, by table; None: not known."""

    @property
    def status(self) -> str:
        """FINISHED only where the crawl saw all that it wanted to see, and all of it is stored."""
        missing = sum(self.counters.get(name, 0) for name in _MISSING)
        return FINISHED if self.finish_reason == "finished" and not missing else INCOMPLETE


def start(connection: Connection, run: Run) -> None:
    """Insert the row of `run`, unless it is there: the answer to an earlier attempt was lost."""
    there = sa.select(RUNS.c.run_id).where(RUNS.c.run_id == run.run_id)
    if connection.execute(there).first() is None:
        connection.execute(
            RUNS.insert().values(
                run_id=run.run_id,
                spider=run.spider,
                started_at=run.started_at,
                status=RUNNING,
                kind=run.kind,
                resumes=run.resumes,
            )
        )


def finish(connection: Connection, end: RunEnd) -> None:
    """Complete the row of a run."""
    connection.execute(
        RUNS.update()
        .where(RUNS.c.run_id == end.run_id)
        .values(
            finished_at=end.finished_at,
            status=end.status,
            finish_reason=end.finish_reason,
            seen=None if end.seen is None else json.dumps(end.seen, sort_keys=True),
            **end.counters,
        )
    )
