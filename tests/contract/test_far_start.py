"""The start against a server that is far, with many classes."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from benchmarks.proxy import running_proxy
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.stores import place
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.postgresql

MANY = 30
TRIPS = 30
"""With those that set up the connection."""


@snapshot(key="size")
@dataclasses.dataclass
class Variant:
    """A row of each child table."""

    size: str
    extra: dict[str, int]


def _classes(number: int) -> list[Declaration]:
    """As many classes with a list each."""
    known = Declarations()
    fields = [("sku", str), ("extra", dict[str, int]), ("variants", list[Variant])]
    made = (
        snapshot(key="sku", table=f"class_{each}")(dataclasses.make_dataclass("Class", fields))
        for each in range(number)
    )
    found = (known.of(each) for each in made)
    return [each for each in found if each is not None]


def _declare(url: str | sa.URL, number: int) -> None:
    """Start as a crawl does, on a connection that counts as far."""
    text = sa.make_url(url).render_as_string(hide_password=False)
    engine = connect_engine(text, connect_timeout=10, write_timeout=30)
    place(engine, far=True)
    store = SnapshotStore(engine)
    store.declare(_classes(number))
    store.close()


@pytest.fixture
def proxy(postgresql_url: str) -> Iterator[Proxy]:
    """Counts what is sent to the server."""
    port = sa.make_url(postgresql_url).port
    assert port is not None
    made = Proxy(port)
    yield made
    made.close()


@pytest.mark.parametrize("number", [1, MANY])
def test_the_round_trips_of_a_start_do_not_grow_with_the_classes(
    postgresql_url: str, proxy: Proxy, number: int
) -> None:
    """Of the first start, which creates all tables, of the second, and of an older release's."""
    url = sa.make_url(postgresql_url).set(port=proxy.port)
    _declare(url, number)
    first = proxy.queries
    _declare(url, number)
    second = proxy.queries
    with sa.create_engine(postgresql_url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("UPDATE snapshot_schema SET version = 1")
    _declare(url, number)
    assert first <= TRIPS
    assert second - first <= TRIPS
    assert proxy.queries - second <= TRIPS


def test_thirty_classes_start_within_seconds_on_a_server_that_is_far(postgresql_url: str) -> None:
    """SNAPSHOT_OPEN_TIMEOUT is 30 s, for a distance of 100 ms; this is half of both."""
    near = sa.make_url(postgresql_url)
    assert near.port is not None
    with running_proxy(near.port, milliseconds=50) as port:
        started = time.monotonic()
        _declare(near.set(port=port), MANY)
        assert time.monotonic() - started < 30 / 2
    with sa.create_engine(postgresql_url, poolclass=sa.NullPool).connect() as connection:
        assert len(sa.inspect(connection).get_table_names()) == 3 + 2 * MANY
