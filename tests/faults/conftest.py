"""Fixtures that cause faults, and the table of what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.faults import catalogue, oracles
from tests.faults.crawling import Look, Looking
from tests.faults.proxy import Proxy
from tests.faults.servers import TroubledServer
from tests.faults.table import Row, lines
from tests.postgresql import PostgresServer, start_private_server

FOLDER = Path(__file__).parent
NOTHING: Mapping[str, object] = {}


class Begin(Protocol):
    """Starts a crawl of `LooksSpider` into a database."""

    def __call__(
        self, url: str, settings: Mapping[str, object] = NOTHING, **arguments: object
    ) -> Looking:
        """`settings` are Scrapy's, `arguments` those of the spider."""


class Verdict:
    """Checks what must hold after every fault, and notes the row of the table."""

    def __init__(self, note: Callable[[str, object], None]) -> None:
        self._note = note

    def __call__(
        self,
        outcome: str,
        database: str,
        lost: list[Look] | None = None,
        doubled: list[Look] | None = None,
    ) -> None:
        """Note what came of the fault; None means that the test had nothing to count.

        Fails the test if anything was lost or doubled.
        """
        self._note("outcome", outcome)
        self._note("database", database)
        self._note("lost", "-" if lost is None else str(len(lost)))
        self._note("doubled", "-" if doubled is None else str(len(doubled)))
        assert not lost, lost[:10]
        assert not doubled, doubled[:10]

    def of(self, outcome: str, *crawls: Looking) -> oracles.Stored:
        """Check ended crawls for all that does not depend on their fault."""
        url = crawls[0].url
        found = oracles.stored(url)
        seen = [look for crawl in crawls for look in crawl.acknowledged]
        missing, twice = oracles.lost(seen, found), oracles.doubled(found)
        self(outcome, oracles.database_of(url), missing, twice)
        oracles.assert_ordered(found)
        oracles.assert_intervals(found)
        oracles.assert_whole(found)
        oracles.assert_normal_form(found)
        for crawl in crawls:
            oracles.assert_discreet(crawl)
            if crawl.ended_itself:
                oracles.assert_accounted(crawl)
                oracles.assert_bounded(crawl)
        return found


@pytest.fixture
def verdict(record_property: Callable[[str, object], None]) -> Verdict:
    """The verdict of one test."""
    return Verdict(record_property)


@pytest.fixture(scope="session")
def private_server() -> Iterator[PostgresServer]:
    """One private server for all tests of this process; each of them heals it."""
    # What was committed must survive a crash of the server, though not of the machine.
    server = start_private_server(synchronous_commit="on")
    yield server
    server.remove()


@pytest.fixture
def server(private_server: PostgresServer) -> Iterator[TroubledServer]:
    """The private server with a new database, for a test to harm."""
    troubled = TroubledServer(private_server)
    yield troubled
    troubled.heal()


@pytest.fixture
def proxy(server: TroubledServer) -> Iterator[Proxy]:
    """A proxy in front of the server."""
    made = Proxy(server.server.port)
    yield made
    made.close()


@pytest.fixture
def proxied_url(server: TroubledServer, proxy: Proxy) -> str:
    """SQLAlchemy URL of the server's database, through the proxy."""
    return server.url_on(proxy.port)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start crawls, each in a folder of its own."""
    crawls: list[Looking] = []

    def begin_crawl(
        url: str, settings: Mapping[str, object] = NOTHING, **arguments: object
    ) -> Looking:
        crawl = Looking(tmp_path / f"crawl-{len(crawls)}", url, settings, arguments)
        crawls.append(crawl)
        return crawl

    yield begin_crawl
    for one in crawls:
        one.crawl.kill()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder by the fixtures that they use."""
    for item in items:
        used = set(getattr(item, "fixturenames", ()))
        if FOLDER not in item.path.parents:
            continue
        if {"server", "postgresql_url"} & used:
            item.add_marker("postgresql")
        if "begin" in used:
            item.add_marker("crawl")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note the faults of the test; xdist carries the note to the process that prints the table."""
    mark = item.get_closest_marker("fault")
    if mark is not None:
        item.user_properties.append(("faults", list(mark.args)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of faults."""
    reports = [
        report
        for category in ("passed", "failed")
        for report in terminalreporter.stats.get(category, [])
        if report.when == "call"
    ]
    rows = [row for report in reports for row in _rows(report)]
    if not rows or terminalreporter.config.option.markexpr == "not slow":
        return  # the main suite, which has only some of the faults
    terminalreporter.section("faults")
    for line in (*lines(rows), *catalogue.others()):
        terminalreporter.write_line(line)


def _rows(report: pytest.TestReport) -> Iterator[Row]:
    noted: dict[str, Any] = dict(report.user_properties)
    for number in noted.get("faults", []):
        outcome = str(noted.get("outcome", "as promised"))
        yield Row(
            number,
            catalogue.FAULTS[number],
            str(noted.get("database", "-")),
            outcome if report.passed else f"FAILED ({outcome})",
            str(noted.get("lost", "-")),
            str(noted.get("doubled", "-")),
            report.duration,
        )
