"""What is logged while a crawl waits for its database."""

from __future__ import annotations

import logging

import pytest

from scrapy_snapshot_pipeline.delivery.ports import Environment
from scrapy_snapshot_pipeline.errors import ContentionError, OutageError
from scrapy_snapshot_pipeline.writer.open_wait import OpenWait
from tests.unit.fakes import ManualClock

WAITING = "Waiting for the database d on h, port 1, for at most 30 s (SNAPSHOT_OPEN_TIMEOUT): "


class Rig:
    """A wait whose clock the test turns."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        self._caplog = caplog
        self.clock = ManualClock()
        self.idle = 0.0
        environment = Environment(self.clock.call_later, lambda: self.clock.now, lambda: 1.0)
        self.wait = OpenWait(environment, "the database d on h, port 1", 30, lambda: self.idle)

    @property
    def said(self) -> list[tuple[str, str]]:
        """Level and text of each line."""
        return [(record.levelname, record.message) for record in self._caplog.records]


@pytest.fixture
def rig(caplog: pytest.LogCaptureFixture) -> Rig:
    """Begin to wait."""
    return Rig(caplog)


def test_an_outage_is_said_once_and_its_end_too(rig: Rig) -> None:
    """For what is waited, why, and how long."""
    rig.wait.failed(OutageError("refused"))
    rig.clock.advance(12)
    rig.wait.failed(OutageError("starting up"))
    rig.wait.end(came=True)
    assert rig.said == [
        ("WARNING", WAITING + "refused"),
        ("INFO", "The database d on h, port 1 answers, after 12.0 s"),
    ]


def test_a_database_that_is_there_is_not_worth_a_word(rig: Rig) -> None:
    """And no timer is left behind."""
    rig.wait.end(came=True)
    assert rig.said == []
    assert rig.clock.calls == []


def test_one_that_never_comes_is_not_said_to_have_come(rig: Rig) -> None:
    """The error says the rest."""
    rig.wait.failed(OutageError("refused"))
    rig.clock.advance(30)
    rig.wait.end(came=False)
    assert [level for level, _ in rig.said] == ["WARNING"]


def test_another_crawler_in_the_way_is_said_after_a_second(rig: Rig) -> None:
    """Two crawls that create the same tables get over it in milliseconds."""
    rig.wait.failed(ContentionError("locked"))
    assert rig.said == []
    rig.clock.advance(1)
    rig.wait.failed(ContentionError("locked"))
    assert rig.said == [("WARNING", WAITING + "locked")]


def test_silence_is_said_before_any_attempt_has_failed(rig: Rig) -> None:
    """As of a host behind a firewall that answers nothing."""
    rig.idle = 3.0
    rig.clock.advance(3)
    assert rig.said == [("WARNING", WAITING + "no answer for 3 s")]


def test_much_work_is_no_silence(rig: Rig) -> None:
    """The database answers one statement after the other."""
    rig.idle = 0.1
    rig.clock.advance(3)
    assert rig.said == []
