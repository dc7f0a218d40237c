"""Every way in which a crawl can close: nothing is lost, and nothing hangs."""

from __future__ import annotations

import json

import pytest

from tests.crawl.conftest import StartCrawl
from tests.crawl.crawls import SCRAPY, Crawl
from tests.crawl.database import connected, run_row, scalar

pytestmark = pytest.mark.crawl

FLUSH_AT_CLOSE = {
    "SNAPSHOT_ACK": "enqueue",
    "SNAPSHOT_BATCH_SIZE": 10,
    "SHOP_COMMIT_SECONDS": 0.1,
}
"""Ten slow commits, nearly all of them while the spider is closing."""

IN_TIME = 20
"""Seconds, fewer than SNAPSHOT_CLOSE_TIMEOUT, so that nothing was given up."""


def assert_whole(crawl: Crawl, url: str) -> None:
    """All 100 products are stored and accounted for."""
    assert scalar(url, "SELECT count(*) FROM product WHERE valid_to IS NULL") == 100, crawl.log
    row = run_row(url)
    assert (row["accepted"], row["inserted"], row["failed"]) == (100, 100, 0)
    assert row["finished_at"] is not None
    assert "Snapshots: accepted 100 = inserted 100 " in crawl.log


@pytest.mark.parametrize("neighbour", ["FailsAtOnce", "FailsLater"])
@pytest.mark.parametrize("priority", [100, 950], ids=["before us", "after us"])
def test_neighbour_fails_to_close(
    start: StartCrawl, sqlite_url: str, mode: str, neighbour: str, priority: int
) -> None:
    """An error in another pipeline's `close_spider` costs us nothing, before us or after us."""
    pipelines = json.dumps({f"tests.crawl.shop.neighbours.{neighbour}": priority})
    crawl = start("many", sqlite_url, {"ITEM_PIPELINES": pipelines, **FLUSH_AT_CLOSE}, mode=mode)
    crawl.finish(IN_TIME)
    assert "NeighbourError" in crawl.log
    assert_whole(crawl, sqlite_url)
    assert run_row(sqlite_url)["status"] == "finished"


def test_one_interrupt_during_the_flush(start: StartCrawl, sqlite_url: str, mode: str) -> None:
    """When Ctrl-C stops Scrapy while we flush, all is stored before the process exits."""
    crawl = start("many", sqlite_url, FLUSH_AT_CLOSE, mode=mode)
    crawl.wait_for(lambda: "Closing spider (finished)" in crawl.log, "close")
    crawl.interrupt()
    crawl.finish(IN_TIME)
    assert crawl.log.index("Received SIGINT") < crawl.log.index("Snapshots: accepted")
    assert_whole(crawl, sqlite_url)


@pytest.mark.parametrize("ack", ["commit", "enqueue"])
def test_terminated_in_the_middle(start: StartCrawl, sqlite_url: str, mode: str, ack: str) -> None:
    """SIGTERM ends a crawl in time, what was acknowledged is stored, and the run's row says why."""
    crawl = start(
        "endless", sqlite_url, {"SNAPSHOT_ACK": ack, "SHOP_ACKNOWLEDGED": True}, mode=mode
    )
    crawl.wait_for(lambda: len(crawl.acknowledged) > 200, "200 items")
    crawl.terminate()
    assert crawl.finish(IN_TIME) == 0
    stored = scalar(sqlite_url, "SELECT count(*) FROM product")
    assert stored == len(crawl.acknowledged) == len(set(crawl.acknowledged))
    row = run_row(sqlite_url)
    assert (row["accepted"], row["inserted"], row["failed"]) == (stored, stored, 0)
    assert (row["status"], row["finish_reason"]) == ("incomplete", "shutdown")


# Scrapy does not limit items from `start()`, and most versions do not wait for them.


def test_start_items_at_the_natural_end(start: StartCrawl, sqlite_url: str, mode: str) -> None:
    """Items from `start()` are stored even if they still wait for a commit when the crawl ends."""
    crawl = start("start", sqlite_url, {"SHOP_COMMIT_SECONDS": 0.5}, mode=mode)
    assert crawl.finish(IN_TIME) == 0
    assert_whole(crawl, sqlite_url)
    assert run_row(sqlite_url)["status"] == "finished"


def test_start_items_and_a_signal(start: StartCrawl, sqlite_url: str, mode: str) -> None:
    """SIGTERM while such items are in flight makes nothing hang, and loses nothing."""
    crawl = start("start", sqlite_url, {"SHOP_COMMIT_SECONDS": 1}, mode=mode)
    # In Scrapy 2.14 a signal ends `start()` itself; items that were not yielded were never ours.
    crawl.wait_for((crawl.folder / "yielded").exists, "last item")
    crawl.terminate()
    assert crawl.finish(IN_TIME) == 0
    assert crawl.log.index("Received SIGTERM") < crawl.log.index("Snapshots: accepted")
    assert_whole(crawl, sqlite_url)


def test_start_items_and_close_spider(start: StartCrawl, sqlite_url: str, mode: str) -> None:
    """`CloseSpider` after such items makes nothing hang, and loses nothing."""
    crawl = start("start", sqlite_url, {"SHOP_COMMIT_SECONDS": 0.5}, mode=mode, end="CloseSpider")
    assert crawl.finish(IN_TIME) == 0
    assert_whole(crawl, sqlite_url)
    # Scrapy 2.14 takes it for an error of the spider and goes on; 2.19 closes the spider.
    if SCRAPY >= (2, 19):
        assert run_row(sqlite_url)["finish_reason"] == "enough"


def test_two_interrupts_and_many_in_flight(start: StartCrawl, sqlite_url: str, mode: str) -> None:
    """The loop may never turn again, so everything is spooled before the process ends."""
    slow = {"SHOP_COMMIT_SECONDS": 60, "SNAPSHOT_BATCH_SIZE": 100}
    crawl = start("start", sqlite_url, slow, mode=mode, count=500)
    crawl.wait_for((crawl.folder / "yielded").exists, "last item")
    crawl.wait_for((crawl.folder / "committing").exists, "commit")
    crawl.interrupt()
    crawl.wait_for(lambda: "Received SIGINT" in crawl.log, "first signal")
    crawl.interrupt()
    crawl.finish(IN_TIME)
    (file,) = crawl.folder.glob(".scrapy/snapshot-dead-letters/*.jsonl")
    keys = [json.loads(line)["values"]["sku"] for line in file.read_bytes().splitlines()]
    assert len(keys) == len(set(keys)) == 500


def test_a_class_of_the_middle_does_not_outlast_the_close(
    start: StartCrawl, sqlite_url: str
) -> None:
    """Its items, whose tables cannot be created in an outage, wait in the queue as all others."""
    settings = {"SPIDER_MODULES": "tests.crawl.shop.kinds", "SNAPSHOT_CLOSE_TIMEOUT": 2}
    crawl = start("very_late", sqlite_url, settings)
    crawl.wait_for((crawl.folder / "waiting").exists, "page")
    with connected(sqlite_url) as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        (crawl.folder / "go").touch()
        crawl.wait_for(lambda: "Attempt 1 to write 50 records failed" in crawl.log, "outage")
        crawl.terminate()
        assert crawl.finish(IN_TIME) == 0
        connection.rollback()
    (file,) = crawl.folder.glob(".scrapy/snapshot-dead-letters/*.jsonl")
    assert len(file.read_bytes().splitlines()) == 50


def test_two_interrupts_and_a_healthy_database(
    start: StartCrawl, sqlite_url: str, mode: str
) -> None:
    """There is time for one statement: the run's row says how it ended, and so does the log."""
    crawl = start("endless", sqlite_url, {"SHOP_ACKNOWLEDGED": True}, mode=mode)
    crawl.wait_for(lambda: len(crawl.acknowledged) > 200, "200 items")
    crawl.interrupt()
    crawl.interrupt()
    crawl.finish(IN_TIME)
    row = run_row(sqlite_url)
    assert row["status"] == "incomplete", crawl.log
    assert row["finished_at"] is not None
    assert crawl.log.count("Snapshots: accepted") == 1, crawl.log
    stored = scalar(sqlite_url, "SELECT count(*) FROM product")
    assert stored == row["inserted"] == row["accepted"] - row["dead_lettered"]
