"""A crawl that ends by itself, in every mode: all accounts agree."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.crawl.conftest import StartCrawl
from tests.crawl.crawls import Crawl
from tests.crawl.database import run_row, scalar

pytestmark = pytest.mark.crawl

SUM = re.compile(
    r"Snapshots: accepted (\d+) = inserted (\d+) \+ revised (\d+) \+ confirmed (\d+)"
    r" \+ coalesced (\d+) \+ dead-lettered (\d+) \+ dropped (\d+) \+ failed (\d+)"
)


def logged_sum(crawl: Crawl) -> list[int]:
    """The numbers of the closing line."""
    [numbers] = SUM.findall(crawl.log)
    return [int(number) for number in numbers]


def counters(row: dict[str, Any]) -> dict[str, int]:
    """The counters of a run's row, by column."""
    return {name: count for name, count in row.items() if isinstance(count, int)}


def in_stats(crawl: Crawl, names: list[str]) -> dict[str, int]:
    """The stats with these names."""
    return {name: crawl.stats.get(f"snapshots/{name}", 0) for name in names}


def assert_numbers_agree(crawl: Crawl, url: str) -> None:
    """Log, stats, the run's row and the tables all say that there were 100 new products."""
    row = run_row(url)
    assert logged_sum(crawl) == [100, 100, 0, 0, 0, 0, 0, 0]
    assert {name: count for name, count in counters(row).items() if count} == {
        "accepted": 100,
        "inserted": 100,
        "children_inserted": 200,
    }
    assert in_stats(crawl, list(counters(row))) == counters(row)
    assert scalar(url, "SELECT count(*) FROM product WHERE valid_to IS NULL") == 100
    assert scalar(url, "SELECT count(*) FROM product_offers WHERE valid_to IS NULL") == 200


@pytest.mark.parametrize(
    ("database", "ack"), [("sqlite", "commit"), ("sqlite", "enqueue"), ("postgresql", "enqueue")]
)
def test_natural_end(
    request: pytest.FixtureRequest, start: StartCrawl, mode: str, database: str, ack: str
) -> None:
    """All items are flushed, every account gives the same numbers, and the run is finished."""
    url: str = request.getfixturevalue(f"{database}_url")
    hosted = url.replace("postgresql+psycopg2://", "postgres://")  # as hosters hand it out
    crawl = start("many", hosted, {"SNAPSHOT_ACK": ack, "SNAPSHOT_BATCH_SIZE": 30}, mode=mode)
    assert crawl.finish() == 0, crawl.log
    assert_numbers_agree(crawl, url)
    row = run_row(url)
    assert (row["status"], row["finish_reason"]) == ("finished", "finished")
    assert row["finished_at"] > row["started_at"]
    assert crawl.stats["item_scraped_count"] == 100
    assert "Traceback" not in crawl.log
    assert "Snapshots go to the " in crawl.log
