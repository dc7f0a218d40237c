"""Runs, and the times that they stand for."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.history.connection.transactions import Reader
from scrapy_snapshot_pipeline.history.runs import Moments
from scrapy_snapshot_pipeline.store.schema.tables import RUNS
from tests.history.odds import CLOSING, OPENING, SPIDER, STARTS, store_odds

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def odds_url(database_url: str) -> str:
    """A database with two runs of one spider."""
    store_odds(database_url)
    return database_url


@pytest.fixture
def moments(odds_url: str) -> Iterator[Moments]:
    """What the runs stand for."""
    reader = Reader(odds_url)
    yield Moments(reader)
    reader.close()


def leave_unfinished(url: str, run: uuid.UUID) -> None:
    """As a crawl that was killed does."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        unfinished = sa.update(RUNS).where(RUNS.c.run_id == run)
        connection.execute(unfinished.values(finished_at=None, status="running"))


def test_run_stands_for_its_start_and_its_end(moments: Moments) -> None:
    """By the question that is asked."""
    assert moments.start(CLOSING) == STARTS[CLOSING]
    assert moments.end(CLOSING) == STARTS[CLOSING] + MINUTE


def test_run_without_an_end_lasts_until_the_next_one(moments: Moments, odds_url: str) -> None:
    """Of its spider; the last one lasts for ever."""
    leave_unfinished(odds_url, OPENING)
    leave_unfinished(odds_url, CLOSING)
    assert moments.end(OPENING) == STARTS[CLOSING]
    assert moments.end(CLOSING) > STARTS[CLOSING] + 365 * 1_000 * dt.timedelta(days=1)


def test_time_stands_for_itself(moments: Moments) -> None:
    """In UTC."""
    zone = dt.timezone(dt.timedelta(hours=2))
    time = STARTS[OPENING].astimezone(zone)
    assert repr(moments.start(time)) == repr(moments.end(time)) == repr(STARTS[OPENING])


@pytest.mark.parametrize("name", ["start", "end"])
def test_moment_without_sense_is_refused(moments: Moments, name: str) -> None:
    """A time without a zone, and a run that there is not."""
    resolve = getattr(moments, name)
    with pytest.raises(HistoryError, match="a time without a zone"):
        resolve(dt.datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused
    with pytest.raises(HistoryError, match=f"there is no run {uuid.UUID(int=9)}"):
        resolve(uuid.UUID(int=9))


def test_runs_come_latest_first(odds_url: str) -> None:
    """All of them, or those of one spider."""
    with SnapshotHistory(odds_url) as history:
        runs = list(history.runs())
        assert [run.run_id for run in runs] == [CLOSING, OPENING]
        assert list(history.runs(spider=SPIDER)) == runs
        assert list(history.runs(spider="other")) == []
        assert history.start_of(OPENING) == runs[1].started_at == STARTS[OPENING]
    assert runs[0].finished_at == STARTS[CLOSING] + MINUTE
    assert runs[0].counters["accepted"] > 0
