"""No database at the start: faults 1, 3 and 13."""

from __future__ import annotations

import time

import pytest

from tests.crawl.crawls import REFUSED
from tests.faults.conftest import Begin, Verdict
from tests.faults.crawling import Looking
from tests.faults.oracles import assert_discreet, database_of
from tests.faults.servers import TroubledServer

SECRET = "canary0secret"  # noqa: S105 - the canary
IMPATIENT = {"SNAPSHOT_OPEN_TIMEOUT": 2, "SNAPSHOT_CONNECT_TIMEOUT": 1}


def assert_gave_up(crawl: Looking, seconds: float = 20) -> None:
    """The crawl ends in time, with an exit code, no request made and no secret in the log."""
    assert crawl.crawl.finish(seconds) == REFUSED
    assert "downloader/request_count" not in crawl.crawl.stats
    assert_discreet(crawl)


@pytest.mark.fault(1)
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg2://user:{SECRET}@127.0.0.1:1/looks",
        "sqlite:////no/such/folder/looks.db",
    ],
    ids=["postgresql", "sqlite"],
)
def test_no_database(begin: Begin, verdict: Verdict, url: str) -> None:
    """A database that stays away ends the crawl before its first request."""
    started = time.monotonic()
    crawl = begin(url, IMPATIENT)
    assert_gave_up(crawl)
    if url.startswith("postgresql"):
        waiting = "Waiting for the database looks on 127.0.0.1, port 1, for at most 2 s"
        assert crawl.crawl.log.count(waiting) == 1
    verdict(f"refused after {time.monotonic() - started:.0f} s", database_of(url))


@pytest.mark.fault(3)
def test_wrong_database(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """A database that the server does not know is not waited for."""
    url = server.url.replace("postgres@", f"postgres:{SECRET}@") + "_gone"
    crawl = begin(url, {**IMPATIENT, "SNAPSHOT_OPEN_TIMEOUT": 600})
    assert_gave_up(crawl)
    assert "3D000" in crawl.crawl.log
    assert "_gone" in crawl.crawl.log
    verdict("refused at start", "postgresql")


@pytest.mark.fault(1)
def test_a_database_that_comes_in_time(
    begin: Begin, server: TroubledServer, verdict: Verdict
) -> None:
    """It is said that it is waited for, and that it came."""
    server.server.stop()
    crawl = begin(server.url)
    crawl.wait_for(lambda: "Waiting for the database" in crawl.crawl.log, "the wait")
    server.server.start()
    crawl.run()
    crawl.enough()
    assert crawl.crawl.log.count("Waiting for the database") == 1
    assert "answers, after" in crawl.crawl.log
    verdict.of("waited for, stored", crawl)


@pytest.mark.slow
@pytest.mark.fault(13)
def test_frozen_postmaster(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """A server that accepts connections and stays silent is like one that is away."""
    server.freeze_postmaster()
    assert_gave_up(begin(server.url, IMPATIENT))
    server.thaw()
    verdict("refused at start", "postgresql")
