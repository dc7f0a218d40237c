"""A slow or stalled writer holds the crawl, but not the reactor."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.crawl.conftest import StartCrawl
from tests.crawl.crawls import Crawl
from tests.crawl.database import connected, run_row, scalar
from tests.crawl.site import ITEMS_A_PAGE, PRODUCTS, running_site

pytestmark = pytest.mark.crawl

COMMIT = 0.2
"""Seconds that each commit takes."""


def heartbeat(crawl: Crawl) -> list[float]:
    """The seconds between the beats of the reactor, sorted."""
    gaps: list[float] = json.loads((crawl.folder / "heartbeat.json").read_text("utf-8"))
    return sorted(gaps)


def test_slow_writes_hold_the_crawl_and_not_the_reactor(
    start: StartCrawl, sqlite_url: str, mode: str
) -> None:
    """The queue fills to its bound and no further, while the reactor goes on beating.

    If writes ran on the reactor's thread, each commit would leave a gap as long as itself.  One
    such gap may be the machine's.
    """
    settings = {
        "SNAPSHOT_BATCH_SIZE": 50,
        "SNAPSHOT_QUEUE_SIZE": 100,
        "SHOP_COMMIT_SECONDS": COMMIT,
        "SHOP_HEARTBEAT": True,
        "CONCURRENT_ITEMS": 400,
    }
    crawl = start("many", sqlite_url, settings, mode=mode, count=1_000)
    assert crawl.finish() == 0, crawl.log
    gaps = heartbeat(crawl)
    assert run_row(sqlite_url)["inserted"] == 1_000
    assert crawl.stats["snapshots/batches"] >= 20
    assert crawl.stats["snapshots/queue_records_max"] == 100
    assert sum(gap >= COMMIT for gap in gaps) <= 1, gaps[-5:]
    assert sum(gaps) >= 20 * COMMIT


def test_a_paused_crawl_does_not_linger(start: StartCrawl, sqlite_url: str) -> None:
    """The writer does not linger for records that cannot come, which here would take long."""
    settings = {"SNAPSHOT_LINGER": 10, "SNAPSHOT_PAUSE_AT": 5, "CLOSESPIDER_TIMEOUT": 6}
    crawl = start("many", sqlite_url, settings, count=6)
    assert crawl.finish() == 0, crawl.log
    assert crawl.stats["snapshots/pauses"] == 1
    assert crawl.stats["finish_reason"] == "finished"
    assert run_row(sqlite_url)["inserted"] == 6


@pytest.mark.parametrize(("commit", "paused"), [(COMMIT, False), (0.0, True)])
def test_more_may_wait_where_writes_are_slow(
    start: StartCrawl, postgresql_url: str, commit: float, *, paused: bool
) -> None:
    """Sixty items wait at once.  Ninety may wait, but only thirty once a write was quick."""
    settings = {
        "SNAPSHOT_PAUSE_AT": 90,
        "SHOP_COMMIT_SECONDS": commit,
        "CONCURRENT_ITEMS": 60,
    }
    crawl = start("many", postgresql_url, settings, count=600)
    assert crawl.finish() == 0, crawl.log
    assert run_row(postgresql_url)["inserted"] == 600
    assert ("snapshots/pauses" in crawl.stats) is paused


# A stalled writer behind a real HTTP crawl

PAGES = 4_000
STALL = 8.0
"""Seconds, in which a crawl that is not paused would fetch thousands of pages."""
MAX_GROWTH = 60
"""MB."""


def resident(crawl: Crawl) -> float:
    """The memory of the crawl's process, in MB."""
    status = Path(f"/proc/{crawl.process.pid}/status").read_text("utf-8")
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def growth_while_stalled(crawl: Crawl, url: str) -> float:
    """Lock the table for a while, and give the growth of the crawl's memory, in MB."""
    with connected(url) as connection:
        connection.execute(sa.text("LOCK TABLE product IN ACCESS EXCLUSIVE MODE"))
        before = peak = resident(crawl)
        until = time.monotonic() + STALL
        while time.monotonic() < until:
            peak = max(peak, resident(crawl))
            time.sleep(0.05)
    return peak - before


@pytest.mark.alone
@pytest.mark.timeout(300)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_stalled_writer_costs_little_memory(start: StartCrawl, postgresql_url: str) -> None:
    """The crawl is paused while the writer stalls, and loses nothing."""
    with running_site() as site:
        crawl = start("pages", postgresql_url, {"LOG_LEVEL": "ERROR"}, site=site, pages=PAGES)
        crawl.wait_for(lambda: stored_products(postgresql_url) == PRODUCTS, "all products")
        growth = growth_while_stalled(crawl, postgresql_url)
        assert crawl.finish(200) == 0, crawl.log
    assert growth < MAX_GROWTH
    assert crawl.stats["snapshots/pauses"] >= 1
    row = run_row(postgresql_url)
    assert row["accepted"] == PAGES * ITEMS_A_PAGE
    assert row["inserted"] + row["confirmed"] + row["coalesced"] == PAGES * ITEMS_A_PAGE
    assert row["status"] == "finished"


def stored_products(url: str) -> int:
    """The number of current versions; 0 before there is a table."""
    with connected(url) as connection:
        if not sa.inspect(connection).has_table("product"):
            return 0
    count: int = scalar(url, "SELECT count(*) FROM product WHERE valid_to IS NULL")
    return count
