"""Faults that do not pass by themselves: 23 to 25, 50, 54, 57 to 59, and an endless outage."""

from __future__ import annotations

import pytest

from tests.crawl.database import scalar
from tests.faults.conftest import Begin, Verdict
from tests.faults.oracles import assert_normal_form, doubled, lost, stored
from tests.faults.replaying import assert_replayed, assert_spooled
from tests.faults.servers import TroubledServer

BREAK = {
    "revoked": "REVOKE INSERT ON ticker FROM crawler",
    "dropped": "DROP TABLE ticker, ticker_legs CASCADE",
    "column": "ALTER TABLE ticker DROP COLUMN look CASCADE",
}
MEND = {
    "revoked": "GRANT INSERT ON ticker TO crawler",
    "dropped": "SELECT 1",
    "column": "SELECT 1",
}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param("revoked", marks=pytest.mark.fault(23)),
        pytest.param("dropped", marks=pytest.mark.fault(24)),
        pytest.param("column", marks=pytest.mark.fault(25)),
    ],
)
def test_broken_schema(begin: Begin, server: TroubledServer, verdict: Verdict, broken: str) -> None:
    """The crawl stops with a reason, and all that was not stored is in the dead letters."""
    server.sql("DROP ROLE IF EXISTS crawler", "CREATE ROLE crawler LOGIN")
    server.sql(f"ALTER DATABASE {server.name} OWNER TO crawler")
    server.sql("GRANT ALL ON SCHEMA public TO crawler")
    crawl = begin(server.url_on(server.server.port, user="crawler"))
    crawl.run()
    server.sql(BREAK[broken])
    crawl.crawl.finish(60)
    server.sql(MEND[broken])
    assert_spooled(crawl)
    assert scalar(server.url, "SELECT status FROM snapshot_runs") == "incomplete"
    if broken == "revoked":
        assert_replayed(crawl, verdict, "stopped, spooled, replayed")
    else:
        verdict("stopped, spooled", "postgresql")
    server.sql(f"ALTER DATABASE {server.name} OWNER TO postgres", "DROP OWNED BY crawler CASCADE")
    server.sql("DROP ROLE crawler")


@pytest.mark.slow
@pytest.mark.fault(4)
@pytest.mark.parametrize("policy", ["stop", "dead_letter"])
def test_outage_without_end(
    begin: Begin, server: TroubledServer, verdict: Verdict, policy: str
) -> None:
    """At SNAPSHOT_OUTAGE_TIMEOUT all is spooled; the policy says whether the crawl goes on."""
    crawl = begin(
        server.url,
        {
            "SNAPSHOT_OUTAGE_TIMEOUT": 2,
            "SNAPSHOT_ON_OUTAGE": policy,
            "SNAPSHOT_CLOSE_TIMEOUT": 3,
        },
    )
    crawl.run()
    server.server.stop()
    if policy == "dead_letter":
        crawl.wait_for(lambda: len(crawl.refused) > 100, "dead letters")
        server.server.start()
        crawl.run()
        crawl.enough()
    else:
        crawl.crawl.finish(30)
        server.server.start()
        assert "snapshot_database_unavailable" in crawl.crawl.log
    assert_spooled(crawl)
    assert_replayed(crawl, verdict, f"never came back ({policy}): replayed")


@pytest.mark.fault(54, 50)
def test_terminated_during_an_outage(
    begin: Begin, server: TroubledServer, verdict: Verdict
) -> None:
    """After SIGTERM the crawl ends in time, and spools all that waits for the database."""
    crawl = begin(server.url, {"SNAPSHOT_CLOSE_TIMEOUT": 2})
    crawl.run()
    server.server.stop()
    crawl.wait_for(crawl.stalled, "stall")
    crawl.crawl.terminate()
    crawl.crawl.finish(15)
    server.server.start()
    assert_spooled(crawl)
    assert scalar(server.url, "SELECT status FROM snapshot_runs") != "finished"
    assert_replayed(crawl, verdict, "SIGTERM: spooled, replayed")


@pytest.mark.slow
@pytest.mark.fault(58, 59)
def test_torn_dead_letters(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """A line that a crash has torn is skipped, and the others are replayed once."""
    crawl = begin(server.url, {"SNAPSHOT_OUTAGE_TIMEOUT": 1, "SNAPSHOT_CLOSE_TIMEOUT": 2})
    crawl.run()
    server.server.stop()
    crawl.crawl.finish(30)
    server.server.start()
    [file] = crawl.dead_letters.glob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-20])
    crawl.replay()
    crawl.replay()
    found = stored(crawl.url)
    missing = lost([*crawl.acknowledged, *crawl.spooled_looks], found)
    verdict("torn line skipped, the rest replayed", "postgresql", missing, doubled(found))
    assert_normal_form(found)


@pytest.mark.slow
@pytest.mark.fault(57)
def test_dead_letters_cannot_be_written(
    begin: Begin, server: TroubledServer, verdict: Verdict
) -> None:
    """If none can be written the crawl stops at the first one, and says what is lost."""
    crawl = begin(
        server.url,
        {
            "SNAPSHOT_OUTAGE_TIMEOUT": 1,
            "SNAPSHOT_ON_OUTAGE": "dead_letter",
            "SNAPSHOT_CLOSE_TIMEOUT": 2,
        },
    )
    crawl.run()
    crawl.dead_letters.touch()
    server.server.stop()
    crawl.crawl.finish(30)
    server.server.start()
    assert crawl.stat("failed") >= len(crawl.refused) > 0
    assert "dead letters cannot be written" in crawl.crawl.log
    found = stored(crawl.url)
    missing = lost(crawl.acknowledged, found)
    verdict("stopped, said what is lost", "postgresql", missing, doubled(found))
