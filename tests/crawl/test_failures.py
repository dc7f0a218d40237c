from __future__ import annotations

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.connect import connect_engine
from scrapy_snapshot_pipeline.declare import Declarations
from scrapy_snapshot_pipeline.store import SnapshotStore
from tests.crawl.conftest import StartCrawl
from tests.crawl.database import column, connected, run_row
from tests.crawl.shop.items import Product

pytestmark = pytest.mark.crawl

REFUSALS = {
    "sqlite": [
        "CREATE TRIGGER refuse BEFORE INSERT ON product WHEN NEW.sku = 'sku-000050' "
        "BEGIN SELECT RAISE(ABORT, 'refused'); END"
    ],
    "postgresql": [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE 'refused'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON product FOR EACH ROW "
        "WHEN (NEW.sku = 'sku-000050') EXECUTE FUNCTION refuse()",
    ],
}
"""A database that never takes one of the products."""


def create_refusing_table(url: str) -> None:
    declaration = Declarations().of(Product)
    assert declaration is not None
    engine = connect_engine(url, connect_timeout=10)
    store = SnapshotStore(engine)
    store.declare([declaration])
    store.close()
    with connected(url) as connection:
        for statement in REFUSALS[engine.dialect.name]:
            connection.execute(sa.text(statement))


def test_a_batch_that_fails_for_good(start: StartCrawl, database_url: str, mode: str) -> None:
    """Its items are item errors and counted as failed; the other batches are stored."""
    create_refusing_table(database_url)
    settings = {"SNAPSHOT_BATCH_SIZE": 20, "SNAPSHOT_RETRY_BACKOFF": 0.01}
    crawl = start("many", database_url, settings, mode=mode)
    assert crawl.finish() == 0, crawl.log
    row = run_row(database_url)
    stored = column(database_url, "SELECT sku FROM product")
    assert "sku-000050" not in stored
    assert row["inserted"] == len(stored) >= 80
    assert row["failed"] == 100 - len(stored)
    assert crawl.stats["item_scraped_count"] == len(stored)
    assert crawl.stats["snapshots/retries"] >= 3
    assert (row["status"], row["finish_reason"]) == ("incomplete", "finished")
    assert f"+ failed {row['failed']}" in crawl.log
