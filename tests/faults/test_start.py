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
    assert_gave_up(begin(url, IMPATIENT))
    verdict(f"refused after {time.monotonic() - started:.0f} s", database_of(url))


@pytest.mark.fault(3)
def test_wrong_database(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """A database that the server does not know is like one that is away."""
    url = server.url.replace("postgres@", f"postgres:{SECRET}@") + "_gone"
    assert_gave_up(begin(url, IMPATIENT))
    verdict("refused at start", "postgresql")


@pytest.mark.slow
@pytest.mark.fault(13)
def test_frozen_postmaster(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """A server that accepts connections and stays silent is like one that is away."""
    server.freeze_postmaster()
    assert_gave_up(begin(server.url, IMPATIENT))
    server.thaw()
    verdict("refused at start", "postgresql")
