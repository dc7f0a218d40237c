"""Items of every kind, in whole crawls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.crawl.conftest import StartCrawl
from tests.crawl.database import column, run_row, scalar

pytestmark = pytest.mark.crawl

KINDS = {"SPIDER_MODULES": "tests.crawl.shop.kinds"}
LOOSE = json.dumps({"dict": {"table": "loose", "key": "sku", "per_spider": True}})
BY_PATH = {
    "ADDONS": "{}",
    "ITEM_PIPELINES": json.dumps({"scrapy_snapshot_pipeline.SnapshotPipeline": 900}),
}


def skus(url: str, table: str) -> list[str]:
    """The key of each stored version, sorted."""
    return column(url, f"SELECT sku FROM {table} ORDER BY sku")  # noqa: S608


def test_every_kind_of_item_in_one_crawl(start: StartCrawl, sqlite_url: str) -> None:
    """All five kinds are stored, and undeclared items pass through."""
    crawl = start("kinds", sqlite_url, {"SNAPSHOT_ITEMS": LOOSE, **KINDS})
    assert crawl.finish() == 0, crawl.log
    for table in ("dataclass_price", "attrs_price", "pydantic_price", "item_price", "loose"):
        assert skus(sqlite_url, table) == ["a", "b"]
    assert column(sqlite_url, "SELECT DISTINCT price FROM attrs_price") == ["1.50"]
    assert column(sqlite_url, "SELECT DISTINCT data FROM loose") == ['{"price":"1.50"}']
    assert column(sqlite_url, "SELECT DISTINCT snapshot_spider FROM loose") == ["kinds"]
    assert run_row(sqlite_url)["accepted"] == 10
    assert run_row(sqlite_url)["status"] == "finished"


def test_undeclared_items_pass_through(start: StartCrawl, sqlite_url: str) -> None:
    """They reach the rest of Scrapy and are counted; there is one warning for each class."""
    crawl = start("kinds", sqlite_url, KINDS)
    assert crawl.finish() == 0, crawl.log
    assert crawl.stats["item_scraped_count"] == 12
    assert crawl.stats["snapshots/ignored"] == run_row(sqlite_url)["ignored"] == 4
    assert crawl.log.count("Items of builtins.dict have no @snapshot declaration") == 1
    assert crawl.log.count("kinds.Undeclared have no @snapshot declaration") == 1
    assert run_row(sqlite_url)["status"] == "finished"


def test_rejected_items_are_errors_of_their_own(start: StartCrawl, sqlite_url: str) -> None:
    """An item with a wrong value is an item error; the crawl goes on, and its run is incomplete."""
    crawl = start("faulty", sqlite_url, KINDS)
    assert crawl.finish() == 0, crawl.log
    assert skus(sqlite_url, "dataclass_price") == ["a", "c"]
    row = run_row(sqlite_url)
    assert (row["accepted"], row["rejected"], row["status"]) == (2, 2, "incomplete")
    assert crawl.stats["item_scraped_count"] == 2
    assert crawl.stats["log_count/ERROR"] == 2


def test_class_declared_in_the_middle(start: StartCrawl, database_url: str, mode: str) -> None:
    """The first item of a class creates its table, once, and no item is taken before."""
    crawl = start("late", database_url, {**BY_PATH, **KINDS}, mode=mode)
    assert crawl.finish() == 0, crawl.log
    assert scalar(database_url, "SELECT count(*) FROM late_price") == 50
    assert crawl.stats["snapshots/accepted"] == crawl.stats["item_scraped_count"] == 50


def test_disabled(start: StartCrawl, tmp_path: Path) -> None:
    """Without SNAPSHOT_ENABLED the crawl runs, and no database is touched."""
    crawl = start("many", f"sqlite:///{tmp_path / 'none.db'}", {"SNAPSHOT_ENABLED": False})
    assert crawl.finish() == 0, crawl.log
    assert crawl.stats["item_scraped_count"] == 100
    assert not (tmp_path / "none.db").exists()
    assert "SNAPSHOT_ENABLED is off" in crawl.log
