"""Crawls behind PgBouncer in transaction mode, where sessions serve others between transactions."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.crawl.conftest import StartCrawl
from tests.crawl.database import scalar
from tests.pgbouncer import Neighbour

pytestmark = pytest.mark.crawl

ENTITIES = 300


def test_crawls_share_a_session_with_others(start: StartCrawl, pooled_url: str) -> None:
    """Two of them, and a client whose settings are its own before, during and after them."""
    with closing(Neighbour(pooled_url)) as neighbour:
        before, session = neighbour.settings(), neighbour.session()
        crawls = [start("rival", pooled_url, price=price, count=ENTITIES) for price in (10, 20)]
        for crawl in crawls:
            crawl.wait_for((crawl.folder / "ready").exists, "start")
        assert neighbour.settings() == before
        (crawls[0].folder.parent / "go").touch()
        looks = 0
        while any(crawl.process.poll() is None for crawl in crawls):
            assert neighbour.settings() == before
            looks += 1
        assert looks > 10
        assert [crawl.finish() for crawl in crawls] == [0, 0], crawls[0].log + crawls[1].log
        assert neighbour.settings() == before
        assert neighbour.session() == session
    for crawl in crawls:
        assert crawl.stats["item_scraped_count"] == 3 * ENTITIES, crawl.log
    current = "SELECT count(*) FROM product WHERE valid_to IS NULL"
    assert scalar(pooled_url, current) == ENTITIES
