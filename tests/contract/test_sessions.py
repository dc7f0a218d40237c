"""Nothing is set on a session of PostgreSQL: behind a pooler it serves others between batches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.errors import BadDataError, TooSlowError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.connection.transactions import SINGLE_STATEMENT
from scrapy_snapshot_pipeline.store.error_classes import Phase, write_error
from scrapy_snapshot_pipeline.store.schema.runs import Run, RunEnd
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.entities import RUN, Observation, at, declaration, record
from tests.contract.stores import place
from tests.pgbouncer import SETTINGS, Neighbour, Settings, set_apart, settings_of

pytestmark = pytest.mark.postgresql

Work: TypeAlias = Callable[[SnapshotStore], object]

WRITE_TIMEOUT = 30.0
WISHED = {
    "TimeZone": "UTC",
    "enable_seqscan": "off",
    "enable_sort": "off",
    "idle_in_transaction_session_timeout": "1min",
    "jit": "off",
    "lock_timeout": "5s",
    "statement_timeout": "24s",
}
"""Of every transaction, at that `WRITE_TIMEOUT`."""


@contextmanager
def store_at(url: str, *, far: bool) -> Iterator[tuple[SnapshotStore, Engine]]:
    """A store as a crawl has it, and its engine."""
    engine = connect_engine(url, connect_timeout=10, write_timeout=WRITE_TIMEOUT)
    place(engine, far=far)
    with closing(SnapshotStore(engine)) as store:
        yield store, engine


def seen(second: int, score: int, *, attempt: int = 1) -> Batch:
    """A look at some entities."""
    looks = (Observation(f"e{n}", second, score, {"m": score}) for n in range(20))
    return Batch(tuple(map(record, looks)), attempt)


def refused(store: SnapshotStore) -> None:
    """Write what the database cannot hold."""
    [good, *_] = seen(9, 9).records
    values = (good.values[0], "no number", *good.values[2:])
    with pytest.raises(BadDataError):
        store.write(Batch((good._replace(values=values),)))


CRAWL: Mapping[str, Work] = {
    "declare": lambda store: store.declare([declaration()]),
    "start": lambda store: store.start_run(Run(RUN, "spider", at(0))),
    "new": lambda store: store.write(seen(1, 0)),
    "unchanged": lambda store: store.write(seen(2, 0)),
    "changed": lambda store: store.write(seen(3, 1)),
    "late": lambda store: store.write(seen(2, 2)),
    "again": lambda store: store.write(seen(3, 1, attempt=2)),
    "refused": refused,
    "after that": lambda store: store.write(seen(4, 1)),
    "finish": lambda store: store.finish_run(RunEnd(RUN, at(9), "finished", {})),
}
"""All that a crawl does with its database."""


@pytest.mark.parametrize("far", [False, True], ids=["near", "far"])
def test_a_session_is_left_as_it_was(postgresql_url: str, *, far: bool) -> None:
    """After each transaction."""
    set_apart(postgresql_url)
    with store_at(postgresql_url, far=far) as (store, engine):
        fresh = sa.create_engine(postgresql_url, poolclass=sa.NullPool)
        with fresh.connect() as connection:
            before = settings_of(connection)
        for name, work in CRAWL.items():
            work(store)
            assert settings_left(engine) == before, name


def settings_left(engine: Engine) -> Settings:
    """Those of the session that lies in the pool, past the engine's events."""
    pooled = engine.raw_connection()
    with closing(pooled), closing(pooled.cursor()) as cursor:
        cursor.execute(SETTINGS)
        return dict(cursor.fetchall())


@pytest.mark.parametrize("far", [False, True], ids=["near", "far"])
def test_the_neighbours_behind_a_pooler_notice_nothing(pooled_url: str, *, far: bool) -> None:
    """Before, during and after a crawl that shares its session with them; nor do they in a read."""
    with closing(Neighbour(pooled_url)) as neighbour:
        before, session = neighbour.settings(), neighbour.session()
        assert before["statement_timeout"] == "0"
        with store_at(pooled_url, far=far) as (store, engine):
            assert session_of(engine) == session
            for name, work in CRAWL.items():
                work(store)
                assert neighbour.settings() == before, name
        with SnapshotHistory(pooled_url) as history:
            assert len(list(history.versions(declaration().table, "e1"))) == 3
            assert neighbour.settings() == before
        assert neighbour.settings() == before


def session_of(engine: Engine) -> int:
    """The one that serves the store."""
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def found_in(connection: sa.Connection) -> Settings:
    """What holds for a statement of ours."""
    columns = ", ".join(f"current_setting('{name}')" for name in WISHED)
    row = connection.exec_driver_sql(f"SELECT {columns}").one()
    return dict(zip(WISHED, row, strict=True))


@pytest.mark.parametrize("single", [False, True], ids=["transaction", "single statement"])
def test_a_transaction_has_its_own_settings(postgresql_url: str, *, single: bool) -> None:
    """All of its statements, the first one too."""
    with store_at(postgresql_url, far=False) as (_, engine):
        options = engine.execution_options(**{SINGLE_STATEMENT: single})
        with options.connect() as connection:
            for _ in range(2):
                assert found_in(connection) == WISHED


def test_limits_of_the_url_stand(postgresql_url: str) -> None:
    """Those that it leaves open are ours."""
    url = f"{postgresql_url}?options=-c%20statement_timeout%3D300%20-c%20lock_timeout%3D7s"
    with store_at(url, far=False) as (_, engine), engine.begin() as connection:
        own = {"statement_timeout": "300ms", "lock_timeout": "7s"}
        assert found_in(connection) == {**WISHED, **own}


@pytest.mark.parametrize("single", [False, True], ids=["transaction", "single statement"])
def test_the_limit_holds_for_the_text_that_brings_it(postgresql_url: str, *, single: bool) -> None:
    """The server gives up the very statement that came with it."""
    engine = connect_engine(postgresql_url, connect_timeout=10, write_timeout=0.25)
    options = engine.execution_options(**{SINGLE_STATEMENT: single})
    with pytest.raises(sa.exc.OperationalError) as caught, options.connect() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(20)")
    engine.dispose()
    assert isinstance(write_error(caught.value, Phase.STATEMENT), TooSlowError)


def test_a_server_that_lacks_a_parameter_is_not_asked_for_it(postgresql_url: str) -> None:
    """Others that speak PostgreSQL have no planner of that kind."""
    with store_at(postgresql_url, far=False) as (_, engine):
        unknown = []

        def rename(
            _: object, __: object, statement: str, parameters: object, *___: object
        ) -> object:
            unknown.append(statement)
            return statement.replace("'enable_sort'", "'no_such_parameter'"), parameters

        sa.event.listen(engine, "before_cursor_execute", rename, retval=True)
        with engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    assert "'enable_sort'" in unknown[0]


@snapshot(key="name")
@dataclass
class Moment:
    """An entity with a time of its own."""

    name: str
    time: dt.datetime


FIRST = dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc)
LAST = dt.datetime.max.replace(tzinfo=dt.timezone.utc)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("far", [False, True], ids=["near", "far"])
def test_the_zone_of_the_server_means_nothing(postgresql_url: str, zone: str, *, far: bool) -> None:
    """Not at the ends of the calendar either, which are in other years there."""
    plain = sa.create_engine(postgresql_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with plain.connect() as connection:
        name = sa.make_url(postgresql_url).database
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET timezone = '{zone}'")
    declared = Declarations().of(Moment)
    assert declared is not None
    capture = compile_capture(declared)
    with store_at(postgresql_url, far=far) as (store, _):
        store.declare([declared])
        for second, times in enumerate([(FIRST, LAST), (FIRST, LAST), (LAST, FIRST)]):
            items = [Moment(f"{n}", time) for n, time in enumerate(times)]
            store.write(Batch(tuple(capture(item, at(second), RUN) for item in items)))
        late = capture(Moment("0", LAST), at(-1), RUN)
        assert store.write(Batch((late,))).late == 1
    with SnapshotHistory(postgresql_url) as history:
        states = {state.key["name"]: state for state in history.current(declared.table)}
        assert {name: state.values["time"] for name, state in states.items()} == {
            "0": LAST,
            "1": FIRST,
        }
        versions = list(history.versions(declared.table, "1"))
    assert [version.changed_at for version in versions] == [at(0), at(2)]
    assert {version.changed_at.tzinfo for version in versions} == {dt.timezone.utc}
