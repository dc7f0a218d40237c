"""Fixtures that every part of the suite shares: fresh databases, and one order of tests."""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import Phase, settings

from tests.pgbouncer import MISSING, pgbouncer_binary, running_pgbouncer, set_apart
from tests.postgresql import PostgresServer, start_private_server

# The unit part is to be run at every save; HYPOTHESIS=thorough looks deeper, for a release, and
# HYPOTHESIS=same looks for any failure, by the same examples in every run: for mutants.
settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.register_profile(
    "same",
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile(os.environ.get("HYPOTHESIS", "quick"))

SLOWER = ("postgresql", "crawl", "alone")
"""Markers in the order in which their tests run, after all tests that have none of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a server, and run the fast tests first."""
    for item in items:
        used = getattr(item, "fixturenames", ())
        if {"postgresql_url", "private_postgresql"} & set(used):
            item.add_marker("postgresql")
    items.sort(key=lambda item: (_slowness(item), _has_many_examples(item)))


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Undo pytest-twisted's wrap of a hypothesis test, which a parametrised one gets twice."""
    handle = getattr(pyfuncitem.obj, "hypothesis", None)
    inner_test = getattr(handle, "inner_test", None)
    yield
    if handle is not None:
        handle.inner_test = inner_test


def _slowness(item: pytest.Item) -> int:
    return max(
        (SLOWER.index(mark.name) + 1 for mark in item.iter_markers() if mark.name in SLOWER),
        default=0,
    )


def _has_many_examples(item: pytest.Item) -> bool:
    return hasattr(getattr(item, "obj", None), "hypothesis")


@pytest.fixture(autouse=True)
def _room(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test marked `alone` waits until no test runs in another process of pytest-xdist."""
    if not hasattr(request.config, "workerinput"):
        yield
        return
    shared: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    alone = request.node.get_closest_marker("alone") is not None
    with (shared.getbasetemp().parent / "room").open("w") as room:
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


@pytest.fixture(scope="session")
def postgresql_server_url() -> Iterator[str]:
    """SQLAlchemy URL of a server on which this process may create databases."""
    dsn = os.environ.get("SNAPSHOT_TEST_PG_DSN")
    if dsn:
        given = sa.make_url(dsn).set(drivername="postgresql+psycopg2")
        yield given.render_as_string(hide_password=False)
        return
    with _running_server() as server:
        yield server.url


@pytest.fixture
def private_postgresql() -> Iterator[PostgresServer]:
    """A server of the test's own, to stop and restart."""
    with _running_server() as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server_url: str) -> Iterator[str]:
    """SQLAlchemy URL of a new, empty PostgreSQL database."""
    name = f"snapshot_{uuid.uuid4().hex}"
    _administer(postgresql_server_url, f"CREATE DATABASE {name}")
    url = sa.make_url(postgresql_server_url).set(database=name)
    yield url.render_as_string(hide_password=False)
    _administer(postgresql_server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def pooled_url(postgresql_url: str) -> Iterator[str]:
    """The URL of `postgresql_url` behind PgBouncer, with one session for all its clients."""
    binary = pgbouncer_binary()
    if binary is None:
        pytest.skip(MISSING)
    set_apart(postgresql_url)
    url = sa.make_url(postgresql_url)
    with running_pgbouncer(binary, url.port or 5432) as port:
        yield url.set(port=port).render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """SQLAlchemy URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'snapshots.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLAlchemy URL of a new database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@contextlib.contextmanager
def _running_server() -> Iterator[PostgresServer]:
    server = start_private_server()
    try:
        yield server
    finally:
        server.remove()


def _administer(url: str, statement: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
