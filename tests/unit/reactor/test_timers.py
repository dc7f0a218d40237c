from __future__ import annotations

from scrapy_snapshot_pipeline.reactor.timers import InterruptibleSleep
from tests.unit.fakes import ManualClock


def test_a_sleep_ends_after_its_time() -> None:
    """Not before, and it can be followed by another one."""
    clock = ManualClock()
    sleep = InterruptibleSleep(clock.call_later)
    for _ in range(2):
        awake = sleep.sleep(2.0)
        clock.advance(1.9)
        assert not awake.called
        clock.advance(0.1)
        assert awake.called


def test_an_interrupted_sleep_ends_at_once() -> None:
    """It leaves no timer behind."""
    clock = ManualClock()
    sleep = InterruptibleSleep(clock.call_later)
    awake = sleep.sleep(2.0)
    sleep.interrupt()
    assert awake.called
    assert clock.calls == []


def test_to_interrupt_nobody_does_nothing() -> None:
    """Neither before the first sleep nor after one, and the next sleep is a whole one."""
    clock = ManualClock()
    sleep = InterruptibleSleep(clock.call_later)
    sleep.interrupt()
    sleep.sleep(1.0)
    clock.advance(1.0)
    sleep.interrupt()
    awake = sleep.sleep(2.0)
    assert not awake.called
    assert clock.delays == [2.0]
