"""Four crawlers of the same entities, and a badly written job: faults 14, 15 and 16."""

from __future__ import annotations

import itertools
import time

import pytest
import sqlalchemy as sa

from tests.crawl.database import column
from tests.faults.conftest import Begin, Verdict
from tests.faults.crawling import Looking
from tests.faults.oracles import (
    assert_accounted,
    assert_no_overlap,
    assert_normal_form,
    lost,
    stored,
)
from tests.faults.servers import TroubledServer

CRAWLERS = 4
TOUCHY = (
    "?options=-c%20default_transaction_isolation%3Dserializable"
    "%20-c%20deadlock_timeout%3D50%20-c%20lock_timeout%3D300"
)
"""Options of the crawlers that make them fail first, before the job does."""
CODES = {"deadlock": "40P01", "serialization failure": "40001", "lock timeout": "55P03"}
PATIENCE = 20.0
"""Seconds; each of the three faults usually comes within one second."""

ONE_ROW = "SELECT 1 FROM ticker WHERE sku = '{}' AND valid_to IS NULL FOR UPDATE"
ALL_ROWS = "UPDATE ticker SET last_confirmed_at = last_confirmed_at WHERE valid_to IS NULL"


def lock_backwards(other: sa.Connection) -> None:
    """Lock the last row before the first one; a crawler that goes forward meets a deadlock."""
    skus = "SELECT sku FROM ticker WHERE valid_to IS NULL ORDER BY entity_id"
    first, *_, last = other.exec_driver_sql(skus).scalars().all()
    other.exec_driver_sql(ONE_ROW.format(last))
    time.sleep(0.04)  # less than a crawler waits before it looks for a deadlock
    other.exec_driver_sql(ONE_ROW.format(first))


def change_rows(other: sa.Connection) -> None:
    """Write the rows that the crawlers are about to write; their snapshots are outdated then."""
    other.exec_driver_sql(ALL_ROWS)
    time.sleep(0.02)
    other.commit()


def hold_table(other: sa.Connection) -> None:
    """Lock the table for longer than the crawlers wait."""
    other.exec_driver_sql("LOCK TABLE ticker IN SHARE MODE")
    time.sleep(0.5)


def met_by(crawls: list[Looking]) -> set[str]:
    """Those of the three faults that the crawlers have met by now."""
    logs = "".join(crawl.crawl.log for crawl in crawls)
    return {fault for fault, code in CODES.items() if code in logs}


def get_in_the_way(server: TroubledServer, crawls: list[Looking]) -> None:
    """Disturb the crawlers in turn until they have met all three faults."""
    deadline = time.monotonic() + PATIENCE
    for clumsy in itertools.cycle((lock_backwards, change_rows, hold_table)):
        if met_by(crawls) == set(CODES):
            return
        assert time.monotonic() < deadline, f"met {met_by(crawls)} only"
        try:
            with server.session() as other:
                clumsy(other)
        except sa.exc.OperationalError:
            continue  # this time our own session was the victim


@pytest.mark.fault(14, 15, 16)
def test_four_crawlers_and_a_clumsy_one(
    begin: Begin, server: TroubledServer, verdict: Verdict
) -> None:
    """Every observation becomes a version or a confirmation, and no log has an error."""
    url = f"{server.url}{TOUCHY}"
    crawls = [begin(url) for _ in range(CRAWLERS)]
    for crawl in crawls:
        crawl.run(10)
    get_in_the_way(server, crawls)
    for crawl in crawls:
        crawl.say_enough()
    assert [crawl.crawl.finish() for crawl in crawls] == [0] * CRAWLERS
    seen = [look for crawl in crawls for look in crawl.acknowledged]
    found = stored(server.url)
    verdict("retried at once", "postgresql", lost(seen, found))
    assert_no_overlap(found)
    assert_normal_form(found)
    for crawl in crawls:
        assert_all_stored(crawl)
    statuses = column(server.url, "SELECT status FROM snapshot_runs")
    assert statuses == ["finished"] * CRAWLERS


def assert_all_stored(crawl: Looking) -> None:
    """Each item became a version or confirmed one, and the log has no error."""
    assert_accounted(crawl)
    assert crawl.stat("retries") > 0
    assert crawl.stat("accepted") == len(crawl.acknowledged)
    assert not crawl.refused
    assert not crawl.spooled()
    assert "log_count/ERROR" not in crawl.crawl.stats, crawl.crawl.log[-5000:]
