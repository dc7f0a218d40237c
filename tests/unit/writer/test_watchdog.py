from __future__ import annotations

from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.writer.watchdog import Watchdog
from tests.unit.fakes import ManualClock


def test_an_answer_in_time_is_passed_on() -> None:
    """And leaves no timer behind."""
    clock, cuts = ManualClock(), list[int]()
    work: Deferred[str] = Deferred()
    watched = Watchdog(clock.call_later, 30, lambda: cuts.append(1), lambda: 99).watch(work)
    clock.advance(29)
    work.callback("stored")
    clock.advance(100)
    assert (watched.result, cuts, clock.calls) == ("stored", [], [])


def test_work_without_an_answer_is_cut_again_and_again() -> None:
    """The first cut may find nothing to cut, because the driver is still connecting."""
    clock, cuts = ManualClock(), list[float]()
    work: Deferred[str] = Deferred()
    Watchdog(clock.call_later, 30, lambda: cuts.append(clock.now), lambda: 99).watch(work)
    clock.advance(70)
    assert cuts == [30, 60]
    work.callback("late")
    assert clock.calls == []


def test_work_of_many_statements_is_cut_when_one_of_them_gets_no_answer() -> None:
    """The sum may take longer: the time of each begins with the last answer."""
    clock, cuts = ManualClock(), list[float]()
    answers = [0.0]
    Watchdog(
        clock.call_later, 30, lambda: cuts.append(clock.now), lambda: clock.now - answers[-1]
    ).watch(Deferred[str]())
    for second in (20, 45, 70):
        clock.advance(second - clock.now)
        answers.append(clock.now)
    clock.advance(29)
    assert cuts == []
    clock.advance(1)
    assert cuts == [100]
    clock.advance(30)
    assert cuts == [100, 130]
