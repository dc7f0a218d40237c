"""Items that cannot become records: each is counted, and none is a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.crawl.conftest import StartCrawl
from tests.crawl.database import run_row

pytestmark = pytest.mark.crawl

SPIDERS = {"SPIDER_MODULES": "tests.crawl.shop.rejected"}
CLOSING = "Snapshots: accepted 1 = inserted 1 "


def test_whatever_reading_an_item_raises_is_a_rejection(
    start: StartCrawl, sqlite_url: str, mode: str
) -> None:
    """A value, an Enum, a property, a nested row, a wrong late declaration."""
    crawl = start("rejected", sqlite_url, SPIDERS, mode=mode)
    assert crawl.finish() == 0, crawl.log
    assert crawl.stats["snapshots/rejected"] == 5, crawl.log
    assert "Traceback" not in crawl.log
    for where in ("Troubled.at", "Troubled.colour", "Troubled.price", "Troubled.rows[0].at"):
        assert f"Item rejected: {where}" in crawl.log, where
    assert "Long" in crawl.log
    assert "canary" not in crawl.log
    row = run_row(sqlite_url)
    assert (row["rejected"], row["status"]) == (5, "incomplete")
    closing = next(line for line in crawl.log.splitlines() if CLOSING in line)
    assert "WARNING" in closing
    assert "rejected 5, ignored 0; spider rejected, sqlite:///" in closing
    assert "SNAPSHOT_REJECTED_ITEMS" in closing


@pytest.mark.parametrize(("choice", "fed"), [("error", 0), ("pass", 5)])
def test_feeds_get_rejected_items_where_the_user_says_so(
    start: StartCrawl, sqlite_url: str, tmp_path: Path, choice: str, fed: int
) -> None:
    """Five dicts with a time that states no zone."""
    feed = tmp_path / "feed.jsonl"
    settings = {
        **SPIDERS,
        "SNAPSHOT_ITEMS": json.dumps({"builtins.dict": {"table": "seen", "key": "id"}}),
        "SNAPSHOT_REJECTED_ITEMS": choice,
        "FEEDS": json.dumps({str(feed): {"format": "jsonlines"}}),
    }
    crawl = start("naive", sqlite_url, settings)
    assert crawl.finish() == 0, crawl.log
    lines = feed.read_text("utf-8").splitlines() if feed.exists() else []
    assert len(lines) == fed
    assert crawl.stats["snapshots/rejected"] == 5
    assert run_row(sqlite_url)["status"] == "incomplete"
    assert crawl.log.count("Item rejected: dict.at") == 5
