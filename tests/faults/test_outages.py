"""The server goes away and comes back: faults 2, 4 to 8 and 19 to 22."""

from __future__ import annotations

import threading
import time

import pytest

from tests.faults.conftest import Begin, Verdict
from tests.faults.crawling import Looking
from tests.faults.oracles import assert_beating
from tests.faults.servers import TroubledServer, wait_for_server
from tests.postgresql import StopMode


def goes_on(crawl: Looking, verdict: Verdict, outcome: str) -> None:
    """The crawl goes on, ends, and has lost nothing."""
    crawl.run()
    assert crawl.enough() == 0, crawl.crawl.log
    assert not crawl.refused, crawl.crawl.log
    verdict.of(outcome, crawl)
    assert_beating(crawl)


@pytest.mark.fault(4)
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restart(begin: Begin, server: TroubledServer, verdict: Verdict, mode: StopMode) -> None:
    """The crawl goes on by itself after the server was restarted, or has crashed."""
    crawl = begin(server.url)
    crawl.run()
    server.server.restart(mode)
    goes_on(crawl, verdict, f"{mode} restart: went on")


@pytest.mark.slow
@pytest.mark.fault(5)
def test_smart_stop(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """A shutdown that waits for another session refuses connections; the crawl waits."""
    crawl = begin(server.url)
    crawl.run()
    with server.session() as other:
        other.exec_driver_sql("SELECT 1")
        mine = other.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        server.smart_stop()
        other.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"  # noqa: S608
            f" WHERE datname = '{server.name}' AND pid <> {mine}"
        )
        crawl.wait_for(crawl.stalled, "stall")
    server.wait_until_stopped()
    server.server.start()
    goes_on(crawl, verdict, "waited for the start, went on")


@pytest.mark.fault(6)
def test_terminated_backends(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """The crawl's session is ended ten times, whatever it is doing."""
    crawl = begin(server.url)
    for _ in range(10):
        crawl.run(30)
        server.terminate_backends()
    goes_on(crawl, verdict, "ten times, retried at once")


@pytest.mark.slow
@pytest.mark.fault(7)
def test_killed_backend(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """`kill -9` of one session makes the server restart itself; the crawl waits for it."""
    crawl = begin(server.url)
    crawl.run()
    server.kill_backend()
    wait_for_server(server)
    goes_on(crawl, verdict, "waited for recovery, went on")


@pytest.mark.slow
@pytest.mark.fault(8)
def test_stale_connection(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """A connection that was lost while the crawl had nothing to write costs no item."""
    crawl = begin(server.url, {"DOWNLOAD_DELAY": 1.5})
    crawl.run(10)
    server.server.restart()
    crawl.run(20)
    goes_on(crawl, verdict, "next batch took a new connection")


@pytest.mark.slow
@pytest.mark.fault(19)
def test_too_many_connections(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """While its role may not connect, the crawl waits."""
    server.sql("CREATE ROLE crawler LOGIN", f"ALTER DATABASE {server.name} OWNER TO crawler")
    server.sql("GRANT ALL ON SCHEMA public TO crawler")
    crawl = begin(server.url_on(server.server.port, user="crawler"))
    crawl.run()
    server.sql("ALTER ROLE crawler CONNECTION LIMIT 0")
    server.terminate_backends()
    crawl.wait_for(crawl.stalled, "stall")
    server.sql("ALTER ROLE crawler CONNECTION LIMIT -1")
    goes_on(crawl, verdict, "waited for a connection, went on")
    server.sql(f"ALTER DATABASE {server.name} OWNER TO postgres")
    server.sql("DROP OWNED BY crawler", "DROP ROLE crawler")


@pytest.mark.slow
@pytest.mark.fault(20)
def test_full_disk(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """The server cannot extend its files; the crawl waits until there is room again."""
    crawl = begin(server.url, entities=50)
    crawl.run()
    server.sql("ALTER TABLE ticker_legs SET (fillfactor = 10)")  # to grow fast
    server.limit_file_size(2 * 1024 * 1024)
    crawl.wait_for(lambda: "53100" in crawl.crawl.log or "XX000" in crawl.crawl.log, "full disk")
    server.limit_file_size(1 << 40)
    goes_on(crawl, verdict, "waited for room, went on")


@pytest.mark.fault(22)
def test_read_only(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """The crawl leaves a server that became read-only, and connects until it may write."""
    crawl = begin(server.url)
    crawl.run()
    server.read_only("on")
    crawl.wait_for(crawl.stalled, "stall")
    wait_for_server(server)
    server.sql("SET default_transaction_read_only = off", "ALTER SYSTEM RESET ALL")
    server.sql("SELECT pg_reload_conf()")
    goes_on(crawl, verdict, "waited for a writable one, went on")


@pytest.mark.slow
@pytest.mark.fault(2)
def test_comes_up_after_open(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """A crawl that starts before its database waits for it."""
    server.server.stop()
    starter = threading.Timer(3, server.server.start)
    starter.start()
    started = time.monotonic()
    crawl = begin(server.url)
    crawl.run()
    starter.join()
    assert time.monotonic() - started > 3
    goes_on(crawl, verdict, "waited, then crawled")


@pytest.mark.slow
@pytest.mark.fault(21)
def test_no_temporary_files(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """For a while a session has neither memory nor temporary files to sort its rows."""
    crawl = begin(server.url, entities=200)
    crawl.run()
    database = f"ALTER DATABASE {server.name}"
    server.sql(f"{database} SET temp_file_limit = 0", f"{database} SET work_mem = '64kB'")
    server.terminate_backends()
    crawl.wait_for(lambda: crawl.stalled(2) or len(crawl.acknowledged) > 5_000, "effect")
    server.sql(f"{database} RESET ALL")
    server.terminate_backends()
    goes_on(crawl, verdict, "met" if "53400" in crawl.crawl.log else "no write met it")
