"""Items that harm only themselves: faults 32 to 41 and 60, on both databases."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.crawl.crawls import MODES, Crawl
from tests.crawl.database import connected
from tests.faults.conftest import Verdict
from tests.faults.oracles import database_of
from tests.faults.shop.poison import CANARY, GOOD, POISON


def crawl_poison(folder: Path, url: str) -> Crawl:
    """Crawl all items, to the end."""
    settings = {
        "SNAPSHOT_DATABASE_URL": url,
        "SNAPSHOT_DEAD_LETTER_DIR": folder / "dead-letters",
        "SNAPSHOT_LINGER": 0.5,
        "SPIDER_MODULES": "tests.faults.shop.poison",
        "LOG_FORMATTER": "tests.faults.shop.quiet.Quiet",
        **MODES["asyncio"],
    }
    crawl = Crawl(folder, "poison", settings, {})
    try:
        assert crawl.finish() == 0, crawl.log[-3000:]
    finally:
        crawl.kill()
    return crawl


@pytest.mark.crawl
@pytest.mark.fault(32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 60)
def test_poison(tmp_path: Path, database_url: str, verdict: Verdict) -> None:
    """Every poisoned item is an item error, and every other item is stored as it is."""
    crawl = crawl_poison(tmp_path, database_url)
    with connected(database_url) as connection:
        rows = connection.execute(sa.text("SELECT name, price FROM dish")).all()
        parts = connection.execute(sa.text("SELECT count(*) FROM dish_parts")).scalar()
    names = {row.name for row in rows}
    expected = {*GOOD, *(f"before {name}" for name in POISON)}
    assert names == expected
    assert len(rows) == len(names)
    assert {Decimal(row.price) for row in rows if row.name == "exact"} == {GOOD["exact"]["price"]}
    assert parts == 10_000
    assert crawl.stats["item_scraped_count"] == len(expected)
    ours = [line for line in crawl.log.splitlines() if "scrapy_snapshot_pipeline" in line]
    assert not any(CANARY in line for line in ours)
    verdict("refused alone", database_of(database_url))
    assert sys.getrecursionlimit() < 5_000  # so the deep item really was too deep for Python
