"""What is wrong around a crawl, and is said by a warning."""

from __future__ import annotations

import json

import pytest

from tests.crawl.conftest import StartCrawl
from tests.crawl.crawls import Crawl
from tests.crawl.database import connected

pytestmark = pytest.mark.crawl

OPTIONS = {"table": "seen", "key": "id", "untracked": ["scrapped_at"]}
SETTINGS = {
    "SPIDER_MODULES": "tests.crawl.shop.doubtful",
    "SNAPSHOT_ITEMS": json.dumps({"dict": OPTIONS}),
    "HTTPCACHE_ENABLED": "1",
}
DOUBTS = (
    "HTTPCACHE_ENABLED is on",
    "Table seen: one entity was seen with different contents",
    "No item of builtins.dict had the field(s) scrapped_at",
    "The database has a version that was last confirmed at 2090-01-01 00:00:00+00:00",
)


def warnings(crawl: Crawl) -> list[int]:
    """How often each doubt is said."""
    assert crawl.finish() == 0, crawl.log
    lines = [line for line in crawl.log.splitlines() if "WARNING" in line]
    return [sum(doubt in line for line in lines) for doubt in DOUBTS]


def test_what_speaks_against_a_crawl_is_said_once(start: StartCrawl, sqlite_url: str) -> None:
    """The cache, a key that is not unique, a misspelt name, and a clock that was ahead."""
    first = start("doubtful", sqlite_url, SETTINGS)
    assert warnings(first) == [1, 1, 1, 0]
    assert first.stats["snapshots/conflicts"] == 1

    with connected(sqlite_url) as connection:
        connection.exec_driver_sql(
            "UPDATE seen SET last_confirmed_at = '2090-01-01 00:00:00.000000+00:00' "
            "WHERE valid_to IS NULL"
        )
    options = {**OPTIONS, "untracked": ["scraped_at"]}
    settings = {
        **SETTINGS,
        "SNAPSHOT_ITEMS": json.dumps({"dict": options}),
        "HTTPCACHE_ENABLED": "0",
    }
    second = start("doubtful", sqlite_url, settings)
    assert warnings(second) == [0, 1, 0, 1]
    assert second.stats["snapshots/ahead"] >= 2  # an entity that comes in two batches counts twice
