"""Many crawls of one shop at once, and observations that are late: no change that was none."""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.history import ChangeKind, SnapshotHistory
from tests.crawl.conftest import StartCrawl
from tests.crawl.crawls import Crawl, snapshots
from tests.crawl.database import column, connected, scalar
from tests.crawl.histories import assert_normal_form, assert_whole, histories
from tests.crawl.shop.crowd import content
from tests.postgresql import PostgresServer

pytestmark = pytest.mark.crawl

CRAWLERS = {"sqlite": 4, "postgresql": 8}
FEW, MANY = (4, 100), (8, 5_000)
"""Looks and products."""
DEADLOCKS = {
    "sqlite": "SELECT 0",
    "postgresql": "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
}
CROWD = {
    "SPIDER_MODULES": "tests.crawl.shop.crowd",
    "SNAPSHOT_BATCH_SIZE": 50,
    "SNAPSHOT_OPEN_TIMEOUT": 30,
}
PATIENCE = 300.0
"""Seconds for one look of all crawlers at many products, on a busy machine."""


def begin(crawls: Sequence[Crawl], look: int) -> None:
    """Have crawls whose folders lie side by side begin a look at one moment."""
    for crawl in crawls:
        crawl.wait_for((crawl.folder / f"ready-{look}").exists, f"look {look}", PATIENCE)
    (crawls[0].folder.parent / f"go-{look}").touch()


def run_crowd(start: StartCrawl, url: str, crawlers: int, looks: int, count: int) -> list[Crawl]:
    """Run so many crawls side by side until all have ended.

    Every second one acknowledges at the queue: it begins a look before it has stored the last one.
    """
    crawls = []
    for number in range(crawlers):
        ack = "enqueue" if number % 2 else "commit"
        crawls.append(
            start(
                "crowd",
                url,
                {**CROWD, "SNAPSHOT_ACK": ack},
                number=number,
                looks=looks,
                count=count,
                contents=2,
            )
        )
    for look in range(looks):
        begin(crawls, look)
        with connected(url) as connection:  # as autovacuum does it sooner or later
            connection.exec_driver_sql("ANALYZE")
    for crawl in crawls:
        assert crawl.finish(PATIENCE) == 0, crawl.log
    return crawls


def counted(url: str, *counters: str) -> int:
    """The sum of some counters over all runs."""
    total: int = scalar(url, f"SELECT sum({' + '.join(counters)}) FROM snapshot_runs")  # noqa: S608
    return total


def contents_in_order(number: int, looks: int) -> list[int]:
    """What a product showed to a crowd, as long as it was the same once."""
    return [each for each, _ in itertools.groupby(content(number, n) % 2 for n in range(looks))]


@pytest.mark.parametrize(
    ("looks", "count"),
    [
        pytest.param(*FEW, id="few"),
        pytest.param(*MANY, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_a_crowd_makes_no_change_that_was_none(
    start: StartCrawl, database_url: str, *, looks: int, count: int
) -> None:
    """Of each product the contents in the order in which they were shown, and nothing else."""
    crawlers = CRAWLERS[sa.make_url(database_url).get_backend_name()]
    crawls = run_crowd(start, database_url, crawlers, looks, count)

    found = histories(database_url)
    assert_normal_form(database_url)
    contents = {number: history.contents for number, history in found.items()}
    assert contents == {number: contents_in_order(number, looks) for number in range(count)}
    for history in found.values():
        assert_whole(history)

    assert column(database_url, "SELECT status FROM snapshot_runs") == ["finished"] * crawlers
    seen = crawlers * looks * count
    versions = sum(len(history.versions) for history in found.values())
    assert counted(database_url, "accepted") == seen
    assert counted(database_url, "inserted") == count
    assert counted(database_url, "inserted", "revised") == versions
    assert counted(database_url, "confirmed", "coalesced") == seen - versions
    assert scalar(database_url, DEADLOCKS[sa.make_url(database_url).get_backend_name()]) == 0
    rows = sum(len(history.offers) for history in found.values())
    assert sum(crawl.stats["snapshots/children_inserted"] for crawl in crawls) == rows


NUMBERS = range(60)
"""Products of the crawls below."""
EVEN, ODD = NUMBERS[::2], NUMBERS[1::2]
"""At the second look the odd ones have changed, at the third the even ones, and so on."""


def start_alone(
    start: StartCrawl, url: str, first: int, settings: Mapping[str, object] = {}, looks: int = 1
) -> Crawl:
    """Start a crawl of one look or more, the first of which is `first`."""
    return start("crowd", url, {**CROWD, **settings}, first=first, looks=looks, count=len(NUMBERS))


def crawl_alone(
    start: StartCrawl, url: str, look: int, settings: Mapping[str, object] = {}
) -> Crawl:
    """Run a crawl of one look to its end."""
    crawl = start_alone(start, url, look, settings)
    begin([crawl], look)
    assert crawl.finish() == 0, crawl.log
    return crawl


def test_a_clock_that_is_an_hour_behind(start: StartCrawl, database_url: str) -> None:
    """What it sees unchanged is confirmed; what it sees changed was so an hour ago, and is past."""
    crawl_alone(start, database_url, 0)
    before = histories(database_url)
    behind = crawl_alone(start, database_url, 1, {"SHOP_CLOCK_BEHIND": 3600})

    assert behind.stats["snapshots/confirmed"] == len(EVEN)
    assert behind.stats["snapshots/revised"] == behind.stats["snapshots/late"] == len(ODD)
    found = histories(database_url)
    assert_normal_form(database_url)
    assert [found[number].contents for number in EVEN] == [[0]] * len(EVEN)
    assert [found[number].contents for number in ODD] == [[1, 0]] * len(ODD)
    assert [found[n].versions[-1] for n in ODD] == [before[n].versions[-1] for n in ODD]
    for number, history in found.items():
        assert_whole(history)
        assert history.versions[0].valid_from < before[number].versions[0].valid_from
    with SnapshotHistory(database_url) as history_of:
        changed = [
            each for each in history_of.changes("product") if each.kind is not ChangeKind.NEW
        ]
    assert sorted(each.key["sku"] for each in changed) == [f"sku-{number:06}" for number in ODD]


@contextmanager
def stopped(server: PostgresServer) -> Iterator[None]:
    """While the server is down."""
    server.stop()
    yield
    server.start()


@contextmanager
def locked(url: str) -> Iterator[None]:
    """While another process holds the file of SQLite."""
    other = sqlite3.connect(str(sa.make_url(url).database), isolation_level=None, timeout=10)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.close()


class Outage(NamedTuple):
    """A database that can go away."""

    url: str
    away: Callable[[], AbstractContextManager[None]]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def outage(request: pytest.FixtureRequest) -> Outage:
    """A new database of each kind."""
    if request.param == "sqlite":
        url: str = request.getfixturevalue("sqlite_url")
        return Outage(url, lambda: locked(url))
    server: PostgresServer = request.getfixturevalue("private_postgresql")
    return Outage(server.url, lambda: stopped(server))


IMPATIENT = {
    "SNAPSHOT_ACK": "enqueue",
    "SNAPSHOT_OUTAGE_TIMEOUT": 2,
    "SNAPSHOT_CLOSE_TIMEOUT": 1,
    "SNAPSHOT_RETRY_BACKOFF": 0.2,
    "SNAPSHOT_RETRY_BACKOFF_MAX": 0.2,
}


def test_an_outage_then_a_crawl_then_a_replay(start: StartCrawl, outage: Outage) -> None:
    """What the next crawl saw, too, is confirmed; what it did not see any more gets its place."""
    lost = start_alone(start, outage.url, 1, IMPATIENT, looks=3)  # the third never begins
    crawl_alone(start, outage.url, 0)
    lost.wait_for((lost.folder / "ready-1").exists, "start")
    with outage.away():
        for look in (1, 2):
            begin([lost], look)
        lost.finish()
    assert lost.stats["finish_reason"] == "snapshot_database_unavailable", lost.log
    assert lost.stats["snapshots/dead_lettered"] == 2 * len(NUMBERS)
    crawl_alone(start, outage.url, 3)
    between = histories(outage.url)
    done = snapshots(lost.folder, {**CROWD, "SNAPSHOT_DATABASE_URL": outage.url}, "replay")

    replayed = {name: int(n) for name, n in re.findall(r"(\w+) (\d+)", done.stdout)}
    assert replayed.pop("revised") == len(ODD), done.stdout + done.stderr
    assert sum(replayed.values()) == 2 * len(NUMBERS) - len(ODD)
    assert replayed.keys() <= {"confirmed", "coalesced"}
    found = histories(outage.url)
    assert_normal_form(outage.url)
    assert [found[number].contents for number in EVEN] == [[0, 1]] * len(EVEN)
    assert [found[number].contents for number in ODD] == [[0, 1, 2]] * len(ODD)
    for number, history in found.items():
        assert_whole(history)
        assert history.versions[0].valid_from == between[number].versions[0].valid_from
        assert history.versions[1].valid_from < between[number].versions[1].valid_from
    assert [found[n].versions[-1] for n in ODD] == [between[n].versions[-1] for n in ODD]
