"""A COMMIT whose answer is lost or never comes: faults 9 to 12."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Begin, Verdict
from tests.faults.proxy import Proxy, Trouble
from tests.faults.servers import TroubledServer

PATIENT = 2.0
"""Seconds of SNAPSHOT_WRITE_TIMEOUT in these tests."""


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Trouble.BEFORE_COMMIT, marks=pytest.mark.fault(9)),
        pytest.param(Trouble.AFTER_COMMIT, marks=pytest.mark.fault(10)),
    ],
    ids=["before", "after"],
)
def test_reset_around_commit(
    begin: Begin, proxy: Proxy, proxied_url: str, verdict: Verdict, trouble: Trouble
) -> None:
    """Ten connections are lost at their COMMIT; each batch is stored exactly once."""
    crawl = begin(proxied_url)
    for _ in range(10):
        crawl.run(20)
        proxy.troubles = 0
        proxy.arm(trouble)
        crawl.wait_for(lambda: proxy.troubles, "COMMIT")
    assert crawl.enough() == 0, crawl.crawl.log
    assert not crawl.refused, crawl.crawl.log
    assert crawl.stat("ambiguous_commits") >= 5
    verdict.of(f"ten times {trouble.value}, sent again", crawl)


@pytest.mark.fault(11)
def test_first_attempt_commits_late(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """The first attempt commits while the second runs: the second waits, and finds its rows."""
    crawl = begin(server.url, {"SNAPSHOT_WRITE_TIMEOUT": PATIENT})
    crawl.run()
    # Such a COMMIT is done at once, but neither acknowledged nor visible until it is released.
    server.configure("synchronous_standby_names", "ghost")
    crawl.wait_for(lambda: crawl.stalled(PATIENT + 1), "stall")
    server.sql("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
    crawl.run()
    assert crawl.enough() == 0, crawl.crawl.log
    assert crawl.stat("frozen") >= 1
    verdict.of("released by the watchdog, one copy", crawl)


@pytest.mark.slow
@pytest.mark.fault(12)
@pytest.mark.parametrize(
    "trouble", [Trouble.SILENCE, Trouble.SILENCE_AFTER], ids=["before", "after"]
)
def test_silence_at_commit(
    begin: Begin, proxy: Proxy, proxied_url: str, verdict: Verdict, trouble: Trouble
) -> None:
    """A COMMIT that nobody answers is cut at SNAPSHOT_WRITE_TIMEOUT, and sent again."""
    crawl = begin(proxied_url, {"SNAPSHOT_WRITE_TIMEOUT": PATIENT})
    crawl.run()
    proxy.arm(trouble)
    crawl.wait_for(lambda: proxy.troubles, "COMMIT")
    crawl.run()
    assert crawl.enough() == 0, crawl.crawl.log
    assert crawl.stat("frozen") == 1
    verdict.of(f"{trouble.value}: cut, sent again", crawl)


@pytest.mark.fault(12)
def test_frozen_backend(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """A session whose process is stopped is given up for a new one."""
    crawl = begin(server.url, {"SNAPSHOT_WRITE_TIMEOUT": PATIENT})
    crawl.run()
    server.freeze_backends()
    crawl.wait_for(lambda: crawl.stalled(0.5), "stall")
    # A frozen session may hold row locks of the batch, so its transaction must end first.
    crawl.wait_for(
        lambda: "OutageError" in crawl.crawl.log or "Ambiguous" in crawl.crawl.log, "cut"
    )
    server.thaw()
    crawl.run()
    assert crawl.enough() == 0, crawl.crawl.log
    assert crawl.stat("frozen") >= 1
    verdict.of("cut by the watchdog, went on", crawl)
