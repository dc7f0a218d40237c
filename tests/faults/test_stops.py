"""The process is stopped, killed or starved: faults 47 to 49 and 51 to 53."""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests.crawl.database import column, scalar
from tests.faults.conftest import Begin, Verdict
from tests.faults.oracles import (
    assert_beating,
    assert_bounded,
    assert_normal_form,
    assert_whole,
    doubled,
    lost,
    stored,
)
from tests.faults.servers import TroubledServer

KILLS = 4


@pytest.mark.fault(47)
def test_kill(begin: Begin, database_url: str, verdict: Verdict) -> None:
    """After kills at random moments the next crawl goes on, and what was acknowledged is stored."""
    chance = random.Random(47)  # noqa: S311 - repeatable is the point
    crawls = []
    for number in range(KILLS):
        crawl = begin(database_url, first=1000 * number)
        crawls.append(crawl)
        crawl.run(chance.randint(1, 600))
        crawl.crawl.process.send_signal(signal.SIGKILL)
        crawl.crawl.process.wait()
    assert column(database_url, "SELECT DISTINCT status FROM snapshot_runs") == ["running"]
    verdict.of(f"{KILLS} kills: all that was acknowledged", *crawls)


@pytest.mark.fault(48)
def test_terminate(begin: Begin, database_url: str, verdict: Verdict) -> None:
    """SIGTERM flushes all that is pending."""
    crawl = begin(database_url)
    crawl.run(300)
    crawl.crawl.terminate()
    assert crawl.crawl.finish(20) == 0, crawl.crawl.log
    assert not crawl.refused
    assert scalar(database_url, "SELECT status FROM snapshot_runs") == "incomplete"
    verdict.of("flushed", crawl)


@pytest.mark.fault(49)
def test_two_interrupts_and_a_frozen_server(
    begin: Begin, server: TroubledServer, verdict: Verdict
) -> None:
    """Ctrl-C twice ends the process within seconds, with all that waited in the dead letters."""
    crawl = begin(server.url)
    crawl.run()
    server.freeze_backends()
    crawl.wait_for(crawl.stalled, "stall")
    crawl.crawl.interrupt()
    time.sleep(0.5)
    crawl.crawl.interrupt()
    interrupted = time.monotonic()
    crawl.crawl.finish(20)
    seconds = time.monotonic() - interrupted
    server.thaw()
    server.terminate_backends()
    assert seconds < 4  # ours takes two of them; Scrapy and a busy machine take the rest
    assert crawl.spooled_looks
    crawl.replay()
    found = stored(crawl.url)
    missing = lost([*crawl.acknowledged, *crawl.refused, *crawl.spooled_looks], found)
    verdict(f"gone after {seconds:.1f} s, replayed", "postgresql", missing, doubled(found))
    assert_normal_form(found)
    assert_whole(found)


@pytest.mark.fault(51)
def test_memory_limit(begin: Begin, sqlite_url: str, verdict: Verdict) -> None:
    """Scrapy's memory limit closes the crawl like any other reason."""
    crawl = begin(sqlite_url, {"MEMUSAGE_LIMIT_MB": 10, "MEMUSAGE_CHECK_INTERVAL_SECONDS": 1})
    crawl.crawl.finish(30)
    assert scalar(sqlite_url, "SELECT finish_reason FROM snapshot_runs") == "memusage_exceeded"
    assert not crawl.refused
    verdict.of("flushed", crawl)


@pytest.mark.slow
@pytest.mark.fault(52)
def test_slow_database(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """While commits are slow the queue keeps its bound, and the reactor goes on."""
    crawl = begin(server.url, {"SNAPSHOT_QUEUE_SIZE": 500, "SNAPSHOT_PAUSE_AT": 200})
    crawl.run()
    server.sql(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$",
        "CREATE TRIGGER dawdle AFTER INSERT ON ticker FOR EACH STATEMENT EXECUTE FUNCTION dawdle()",
    )
    crawl.run(1000)
    assert crawl.enough() == 0, crawl.crawl.log
    assert_bounded(crawl, 500)
    assert_beating(crawl)
    verdict.of("paused, bounded", crawl)


@pytest.mark.slow
@pytest.mark.fault(53)
def test_starved_thread_pools(begin: Begin, sqlite_url: str, verdict: Verdict) -> None:
    """Where all shared threads are taken, our own one goes on."""
    crawl = begin(sqlite_url, {"LOOKS_STARVE": True})
    crawl.run()
    assert crawl.enough() == 0, crawl.crawl.log
    verdict.of("unaffected", crawl)
