"""Passwords do not reach the log."""

from __future__ import annotations

import pytest

from tests.crawl.conftest import StartCrawl

pytestmark = pytest.mark.crawl

CANARY = "canary0secret"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg2://user:{CANARY}@127.0.0.1:1/snapshots",
        f"postgresql+psycopg2://user:{CANARY}@no-such-host.invalid/snapshots",
        f"postgresql+psycopg2://user@127.0.0.1:1/snapshots?password={CANARY}",
        f"postgresql+psycopg2://user:{CANARY}@127.0.0.1:port/snapshots",
        f"nosuchdriver://user:{CANARY}@127.0.0.1/snapshots",
    ],
    ids=["refused", "wrong host", "in the query", "wrong port", "wrong driver"],
)
def test_no_password_in_the_log(start: StartCrawl, url: str) -> None:
    """Whatever is wrong with the database's URL, no line of the log has its password."""
    crawl = start("many", url, {"LOG_LEVEL": "DEBUG"})
    crawl.finish()
    assert "scrapy_snapshot_pipeline.errors." in crawl.log
    assert CANARY not in crawl.log


def test_no_password_in_the_log_of_a_good_crawl(start: StartCrawl, postgresql_url: str) -> None:
    """Nor has one when all goes well; the server of the tests ignores the password."""
    url = postgresql_url.replace("postgres@", f"postgres:{CANARY}@")
    crawl = start("many", url, {"LOG_LEVEL": "DEBUG"})
    assert crawl.finish() == 0, crawl.log
    assert CANARY not in crawl.log
