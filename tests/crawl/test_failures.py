"""A record that the database refuses."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.crawl.conftest import StartCrawl
from tests.crawl.database import column, connected, run_row
from tests.crawl.shop.items import Product

pytestmark = pytest.mark.crawl

REFUSALS = {
    "sqlite": [
        """
        CREATE TRIGGER refuse BEFORE INSERT ON product WHEN NEW.sku = 'sku-000050'
        BEGIN SELECT RAISE(ABORT, 'refused'); END
        """
    ],
    "postgresql": [
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'refused'; END $$
        """,
        """
        CREATE TRIGGER refuse BEFORE INSERT ON product FOR EACH ROW
        WHEN (NEW.sku = 'sku-000050') EXECUTE FUNCTION refuse()
        """,
    ],
}
"""Makes a database refuse one of the products for ever."""


def create_refusing_table(url: str) -> None:
    """Create the table as a crawl would, with a trigger that refuses."""
    declaration = Declarations().of(Product)
    assert declaration is not None
    engine = connect_engine(url, connect_timeout=10)
    store = SnapshotStore(engine)
    store.declare([declaration])
    store.close()
    with connected(url) as connection:
        for statement in REFUSALS[engine.dialect.name]:
            connection.execute(sa.text(statement))


def test_a_record_that_is_refused(start: StartCrawl, database_url: str, mode: str) -> None:
    """It is an item error and a dead letter, and every other record of its batch is stored."""
    create_refusing_table(database_url)
    crawl = start("many", database_url, {"SNAPSHOT_BATCH_SIZE": 20}, mode=mode)
    assert crawl.finish() == 0, crawl.log
    row = run_row(database_url)
    stored = column(database_url, "SELECT sku FROM product")
    assert "sku-000050" not in stored
    assert row["inserted"] == len(stored) == 99
    assert (row["dead_lettered"], row["failed"]) == (1, 0)
    assert crawl.stats["item_scraped_count"] == 99
    assert crawl.stats["snapshots/splits"] >= 1
    assert (row["status"], row["finish_reason"]) == ("incomplete", "finished")
    assert "+ dead-lettered 1 + dropped 0 + failed 0" in crawl.log
    (file,) = crawl.folder.glob(".scrapy/snapshot-dead-letters/*.jsonl")
    (letter,) = [json.loads(line) for line in file.read_text("ascii").splitlines()]
    assert (letter["table"], letter["key"]) == ("product", {"sku": "sku-000050"})
    assert letter["persistence"] == "not_persisted"
    assert file.stat().st_mode & 0o777 == 0o600
