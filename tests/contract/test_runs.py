"""The rows of runs: written once whatever the network does, and brought up from older releases."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.errors import AmbiguousCommitError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.schema.runs import PARSE, Run, RunEnd
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.entities import Observation, declaration, record
from tests.faults.proxy import Proxy, Trouble

START = dt.datetime(2024, 5, 1, tzinfo=dt.timezone.utc)
HOUR = dt.timedelta(hours=1)
RUN = Run(uuid.UUID(int=1), "shop", START)
TABLE = declaration().table


def opened(url: str) -> SnapshotStore:
    """A store whose tables are there."""
    store = SnapshotStore(connect_engine(url, connect_timeout=10))
    store.declare([declaration()])
    return store


def test_a_run_that_is_there_already_is_not_inserted_again(database_url: str) -> None:
    """As after a first attempt whose answer was lost."""
    store = opened(database_url)
    store.start_run(RUN)
    store.start_run(RUN)
    store.close()
    with SnapshotHistory(database_url) as history:
        assert [run.run_id for run in history.runs()] == [RUN.run_id]


def test_kind_first_half_and_tables_are_remembered(database_url: str) -> None:
    """A run of `scrapy parse`, and a crawl that resumed another."""
    store = opened(database_url)
    store.start_run(RUN)
    parsed = Run(uuid.UUID(int=2), "shop", START + HOUR, PARSE, resumes=RUN.run_id)
    store.start_run(parsed)
    store.finish_run(RunEnd(parsed.run_id, START + 2 * HOUR, "finished", {}, {TABLE: 3}))
    store.close()
    with SnapshotHistory(database_url) as history:
        [later, earlier] = history.runs()
    assert (later.kind, later.resumes, later.seen) == ("parse", RUN.run_id, {TABLE: 3})
    assert (earlier.kind, earlier.resumes, earlier.seen) == ("crawl", None, None)


def test_runs_of_a_table_are_the_crawls_that_wrote_it(database_url: str) -> None:
    """One that has not ended may have written it; `scrapy parse` is no crawl."""
    store = opened(database_url)
    wrote, other, parsed, running = (Run(uuid.UUID(int=n), "s", START + n * HOUR) for n in range(4))
    parsed = Run(parsed.run_id, "s", parsed.started_at, PARSE)
    seen = {wrote: {TABLE: 1}, other: {"elsewhere": 1}, parsed: {TABLE: 1}}
    for run in (wrote, other, parsed, running):
        store.start_run(run)
    for run, tables in seen.items():
        store.finish_run(RunEnd(run.run_id, START + 9 * HOUR, "finished", {}, tables))
    store.close()
    with SnapshotHistory(database_url) as history:
        found = [run.run_id for run in history.runs(table=TABLE)]
    assert found == [running.run_id, wrote.run_id]


def test_a_database_of_the_first_release_is_read_and_brought_up(database_url: str) -> None:
    """Its runs are crawls, before and after this release has written."""
    store = opened(database_url)
    store.start_run(RUN)
    store.finish_run(RunEnd(RUN.run_id, START + HOUR, "finished", {}))
    store.close()
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for name in ("kind", "resumes", "seen"):
            connection.exec_driver_sql(f"ALTER TABLE snapshot_runs DROP COLUMN {name}")
        connection.exec_driver_sql("DELETE FROM snapshot_schema WHERE table_name = 'snapshot_runs'")
        connection.exec_driver_sql("UPDATE snapshot_schema SET version = 1")

    def answers() -> list[tuple[object, ...]]:
        with SnapshotHistory(database_url) as history:
            assert list(history.not_seen(TABLE)) == []
            return [(run.run_id, run.kind, run.status, run.resumes) for run in history.runs()]

    before = answers()
    assert before == [(RUN.run_id, "crawl", "finished", None)]
    opened(database_url).close()
    assert answers() == before
    with engine.connect() as connection:
        versions = connection.exec_driver_sql("SELECT table_name, version FROM snapshot_schema")
        assert ("snapshot_runs", 2) in {tuple(row) for row in versions}


# Every COMMIT is cut after the server has done it.


def live(url: str) -> list[object]:
    """All that a crawl asks of the database, from its start to its end; then what is stored.

    A step whose COMMIT gave no answer is taken once more.
    """
    store = SnapshotStore(connect_engine(url, connect_timeout=10))
    end = RunEnd(RUN.run_id, START + HOUR, "finished", {"accepted": 3}, {TABLE: 3})
    twice(lambda _: store.declare([declaration()]))
    twice(lambda _: store.start_run(RUN))
    for second, price in enumerate((1, 2, 2)):
        seen = record(Observation("arsenal", second, 0, {"1X2": price}))
        twice(lambda attempt, seen=seen: store.write(Batch((seen,), attempt)))  # type: ignore[misc]
    twice(lambda _: store.finish_run(end))
    store.close()
    with SnapshotHistory(url) as history:
        runs = [(r.run_id, r.status, r.seen, r.counters["accepted"]) for r in history.runs()]
        return [*runs, *history.changes(TABLE), *history.current(TABLE)]


def twice(step: Callable[[int], object]) -> None:
    """Take a step, which is handed the number of the attempt."""
    try:
        step(1)
    except AmbiguousCommitError:
        step(2)


@pytest.mark.parametrize("nth", range(1, 6))
def test_every_commit_bears_its_repetition(nth: int, postgresql_url: str) -> None:
    """Tables, the run's row, a new and a changed record, the end of the run."""
    url = sa.make_url(postgresql_url)
    assert url.port is not None
    proxy = Proxy(url.port)
    proxy.arm(Trouble.AFTER_COMMIT, nth)
    through = url.set(host="127.0.0.1", port=proxy.port)
    found = live(through.render_as_string(hide_password=False))
    proxy.close()
    assert proxy.troubles == 1, f"there are only {proxy.commits} COMMITs"
    assert len(found) == 1 + 2 + 1
    [run, *_] = found
    assert run == (RUN.run_id, "finished", {TABLE: 3}, 3)
