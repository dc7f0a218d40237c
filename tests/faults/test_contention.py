"""Others write or lock the rows that the crawl writes: faults 14 to 18 and 44."""

from __future__ import annotations

import threading
import time

import pytest
import sqlalchemy as sa

from tests.crawl.database import scalar
from tests.faults.conftest import Begin, Verdict
from tests.faults.crawling import Looking
from tests.faults.oracles import (
    assert_accounted,
    assert_beating,
    assert_no_overlap,
    assert_normal_form,
    database_of,
    lost,
    stored,
)
from tests.faults.servers import TroubledServer

SERIALIZABLE = "?options=-c%20default_transaction_isolation%3Dserializable"


def in_the_way(server: TroubledServer, done: threading.Event) -> None:
    """Lock rows in the wrong order, again and again, as a badly written job does."""
    lock = "SELECT 1 FROM ticker WHERE sku = '{}' AND valid_to IS NULL FOR UPDATE"
    while not done.is_set():
        try:
            with server.session() as other:
                for sku in ("a9", "a5", "a0", "a7", "a2"):
                    other.exec_driver_sql(lock.format(sku))
                    time.sleep(0.01)
        except sa.exc.OperationalError:
            continue  # this session was chosen as the victim of the deadlock


@pytest.mark.slow
@pytest.mark.fault(14)
def test_deadlocks(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """Two crawls of the same entities go on while somebody locks rows in the wrong order."""
    crawls = [begin(server.url) for _ in range(2)]
    for crawl in crawls:
        crawl.run(50)
    done = threading.Event()
    clumsy = threading.Thread(target=in_the_way, args=(server, done))
    clumsy.start()
    for crawl in crawls:
        crawl.run(300)
    done.set()
    clumsy.join()
    assert [crawl.enough() for crawl in crawls] == [0, 0]
    assert_both_stored(verdict, *crawls, outcome="retried at once")


@pytest.mark.slow
@pytest.mark.fault(15)
def test_serialization_failures(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """Where all transactions are serializable, those that lose a race are repeated."""
    url = server.url_on(server.server.port, SERIALIZABLE)
    crawls = [begin(url) for _ in range(2)]
    for crawl in crawls:
        crawl.run(300)
    assert [crawl.enough() for crawl in crawls] == [0, 0]
    assert_both_stored(verdict, *crawls, outcome="retried at once")


@pytest.mark.fault(44)
def test_two_crawlers_of_one_shop(begin: Begin, sqlite_url: str, verdict: Verdict) -> None:
    """Both see the same: no item is refused, and the versions of an entity do not overlap."""
    crawls = [begin(sqlite_url) for _ in range(2)]
    for crawl in crawls:
        crawl.run(300)
    assert [crawl.enough() for crawl in crawls] == [0, 0]
    assert_both_stored(verdict, *crawls, outcome="both stored")


def assert_both_stored(verdict: Verdict, *crawls: Looking, outcome: str) -> None:
    """All observations are stored; each crawl has its own pace, so content may come twice."""
    url = crawls[0].url
    found = stored(url)
    assert not any(crawl.refused for crawl in crawls)
    seen = [look for crawl in crawls for look in crawl.acknowledged]
    verdict(outcome, database_of(url), lost(seen, found))
    assert_no_overlap(found)
    assert_normal_form(found)
    for crawl in crawls:
        assert_accounted(crawl)


@pytest.mark.fault(16)
def test_locked_table(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """While a migration holds the table the crawl waits, and its reactor does not."""
    crawl = begin(server.url, {"SNAPSHOT_WRITE_TIMEOUT": 1})
    crawl.run()
    with server.session() as migration:
        migration.exec_driver_sql("LOCK TABLE ticker IN ACCESS EXCLUSIVE MODE")
        assert crawl.stalled(3)
    crawl.run()
    assert crawl.enough() == 0, crawl.crawl.log
    assert not crawl.refused
    verdict.of("waited 3 s, went on", crawl)
    assert_beating(crawl)


@pytest.mark.fault(17)
def test_statement_timeout(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """A row that takes too long is found by splitting; the others are stored."""
    crawl = begin(server.url_on(server.server.port, "?options=-c%20statement_timeout%3D300"))
    crawl.run()
    server.sql(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$",
        "CREATE TRIGGER dawdle BEFORE INSERT ON ticker FOR EACH ROW"
        " WHEN (NEW.sku = 'a3') EXECUTE FUNCTION dawdle()",
    )
    crawl.wait_for(lambda: len(crawl.refused) > 0, "refusal")
    server.sql("DROP TRIGGER dawdle ON ticker")
    crawl.run()
    assert crawl.enough() == 0, crawl.crawl.log
    assert {look.sku for look in crawl.refused} == {"a3"}
    assert set(crawl.refused) <= set(crawl.spooled_looks)
    assert {line["reason"] for line in crawl.spooled()} == {"timeout"}
    verdict.of("the slow record isolated", crawl)


@pytest.mark.slow
@pytest.mark.fault(18)
def test_idle_in_transaction(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """No transaction waits for the crawl, so even a very short timeout is never met."""
    option = "?options=-c%20idle_in_transaction_session_timeout%3D500"
    crawl = begin(server.url_on(server.server.port, option))
    crawl.run(500)
    assert crawl.enough() == 0, crawl.crawl.log
    assert crawl.stat("retries") == 0
    verdict.of("never met", crawl)
    assert scalar(server.url, "SELECT count(*) FROM snapshot_runs WHERE status = 'finished'") == 1
