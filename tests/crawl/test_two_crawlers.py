"""Two crawlers write the same entities at the same time."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.schema.create import ensure_schema
from scrapy_snapshot_pipeline.store.schema.tables import entity_tables
from tests.crawl.conftest import StartCrawl
from tests.crawl.crawls import Crawl
from tests.crawl.database import column, connected, scalar
from tests.crawl.shop.items import Product

pytestmark = pytest.mark.crawl

ENTITIES = 1_000
OBSERVATIONS = 3 * ENTITIES
"""Of each crawler, which sees every entity at its own price, at the next, and at its own again."""

OVERLAPS = """
SELECT count(*) FROM product a JOIN product b
  ON a.entity_id = b.entity_id AND a.snapshot_id < b.snapshot_id
WHERE a.valid_from < coalesce(b.valid_to, '9999-12-31 00:00:00+00:00')
  AND b.valid_from < coalesce(a.valid_to, '9999-12-31 00:00:00+00:00')
"""


def run_side_by_side(start: StartCrawl, url: str) -> list[Crawl]:
    """Run two crawls that open the same empty database and then begin at the same moment."""
    crawls = [
        start("rival", url, {"SNAPSHOT_BATCH_SIZE": 100}, price=price, count=ENTITIES)
        for price in (10, 20)
    ]
    for crawl in crawls:
        crawl.wait_for((crawl.folder / "ready").exists, "start")
    (crawls[0].folder.parent / "go").touch()
    for crawl in crawls:
        assert crawl.finish() == 0, crawl.log
    return crawls


def versions_of(url: str) -> dict[str, list[str]]:
    """The name of each version of each entity."""
    with connected(url) as connection:
        rows = connection.execute(sa.text("SELECT sku, name FROM product")).all()
    versions: dict[str, list[str]] = {}
    for sku, name in rows:
        versions.setdefault(sku, []).append(name)
    return versions


def test_two_crawlers_write_the_same_entities(start: StartCrawl, database_url: str) -> None:
    """Every observation is accounted for, and no version overlaps another one."""
    for crawl in run_side_by_side(start, database_url):
        assert crawl.stats["item_scraped_count"] == OBSERVATIONS, crawl.log
        assert "log_count/ERROR" not in crawl.stats, crawl.log

    def counted(name: str) -> int:
        total: int = scalar(database_url, f"SELECT sum({name}) FROM snapshot_runs")  # noqa: S608
        return total

    written = counted("inserted") + counted("revised")
    assert column(database_url, "SELECT status FROM snapshot_runs") == ["finished"] * 2
    assert counted("accepted") == 2 * OBSERVATIONS
    assert counted("inserted") == ENTITIES
    assert written + counted("confirmed") + counted("coalesced") == 2 * OBSERVATIONS

    versions = versions_of(database_url)
    assert len(versions) == ENTITIES
    assert sum(map(len, versions.values())) == written
    prices = {f"Product at {price}" for price in (10, 11, 20, 21)}
    assert all(set(names) == prices for names in versions.values())
    current = "SELECT count(*) FROM product WHERE valid_to IS NULL"
    assert scalar(database_url, current) == ENTITIES
    assert scalar(database_url, OVERLAPS) == 0


HELD = 1.5
"""Seconds, more than a crawl waits for a lock of SQLite before it tries again."""


def test_two_crawlers_create_the_same_tables(start: StartCrawl, database_url: str) -> None:
    """A crawl that opens while another one creates the tables tries again, and finds them."""
    declaration = Declarations().of(Product)
    assert declaration is not None
    engine = connect_engine(database_url, connect_timeout=10)
    with engine.begin() as other_crawl:
        ensure_schema(other_crawl, [entity_tables(declaration, sa.MetaData())], create=True)
        crawl = start("many", database_url)
        crawl.wait_for(lambda: "Enabled item pipelines" in crawl.log, "opening")
        time.sleep(HELD)
    engine.dispose()
    assert crawl.finish() == 0, crawl.log
    assert scalar(database_url, "SELECT count(*) FROM product") == 100
    assert column(database_url, "SELECT status FROM snapshot_runs") == ["finished"]
