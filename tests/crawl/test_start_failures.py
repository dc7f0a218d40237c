"""What is wrong ends the crawl before its first request."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from tests.crawl.conftest import StartCrawl
from tests.crawl.crawls import REFUSED, Crawl
from tests.crawl.database import connected

pytestmark = pytest.mark.crawl

NO_SUCH_CLASS = json.dumps({"tests.crawl.shop.items.Gone": {"key": "sku"}})
NO_SUCH_FIELD = json.dumps({"tests.crawl.shop.items.Product": {"key": "isbn"}})
WRONG_SPIDER = "tests.crawl.shop.wrong"
NO_FOLDER = "sqlite:////no/such/folder/snapshots.db"
NO_DIR = "/dev/null/letters"
NO_SERVER = "postgresql+psycopg2://user@127.0.0.1:1/snapshots"


def assert_refused(crawl: Crawl, *texts: str) -> None:
    """The crawl ends at once, with these texts in its log, and makes no request."""
    code = crawl.finish()
    for text in texts:
        assert text in crawl.log, crawl.log
    assert "downloader/request_count" not in crawl.stats
    assert "item_scraped_count" not in crawl.stats
    assert code == REFUSED


@pytest.mark.parametrize(
    ("settings", "texts"),
    [
        ({"SNAPSHOT_BATCHSIZE": 10}, ["SNAPSHOT_BATCHSIZE", "did you mean SNAPSHOT_BATCH_SIZE?"]),
        ({"SNAPSHOT_ACK": "never"}, ["SNAPSHOT_ACK", '"commit" or "enqueue"']),
        ({"SNAPSHOT_ITEMS": NO_SUCH_CLASS}, ["'tests.crawl.shop.items.Gone' cannot be imported"]),
        ({"SNAPSHOT_ITEMS": NO_SUCH_FIELD}, ["Product.isbn is named in key but is not a field"]),
        ({"SPIDER_MODULES": WRONG_SPIDER}, ["Misspelt.skew is named in key but is not a field"]),
        ({"SNAPSHOT_DEAD_LETTER_DIR": NO_DIR}, [f"DIR: {NO_DIR}", "is no folder; set"]),
        ({"SNAPSHOT_CREATE_TABLES": False}, ["lacks the table(s)", "scrapy snapshots init"]),
    ],
    ids=[
        "unknown setting",
        "wrong value",
        "no such class",
        "no such field",
        "wrong declaration",
        "no folder of dead letters",
        "no tables",
    ],
)
def test_what_is_wrong_is_reported_at_start(
    start: StartCrawl, sqlite_url: str, settings: dict[str, object], texts: list[str]
) -> None:
    """Wrong settings and declarations end the crawl, and the error says what to do."""
    assert_refused(start("many", sqlite_url, settings), *texts)


@pytest.mark.parametrize("url", [NO_FOLDER, NO_SERVER], ids=["sqlite", "postgresql"])
def test_no_database(start: StartCrawl, url: str) -> None:
    """A database that cannot be reached ends the crawl."""
    assert_refused(start("many", url), "connecting failed")


def test_no_database_in_each_mode(start: StartCrawl, mode: str) -> None:
    """A failed start leaves no thread behind that would keep the process alive."""
    assert_refused(start("many", NO_FOLDER, mode=mode), "connecting failed")


def test_table_with_other_columns(start: StartCrawl, database_url: str) -> None:
    """A table that exists with other columns ends the crawl; the error names it."""
    with connected(database_url) as connection:
        connection.execute(sa.text("CREATE TABLE product (sku TEXT, colour TEXT)"))
    crawl = start("many", database_url)
    assert_refused(crawl, "table product is there with other columns", "also has colour")
