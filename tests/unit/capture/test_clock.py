"""The clock of observations."""

from __future__ import annotations

import datetime as dt

from scrapy_snapshot_pipeline.capture.clock import ObservationClock

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)
SECOND = dt.timedelta(seconds=1)


def test_clock_that_goes_is_followed() -> None:
    """The time of an observation is that of the machine, to the microsecond."""
    times = [NOON, NOON + dt.timedelta(microseconds=1), NOON + SECOND]
    clock = ObservationClock(iter(times).__next__)

    assert [clock(), clock(), clock()] == times


def test_standing_clock_still_gives_later_times() -> None:
    """Two observations never share an instant."""
    clock = ObservationClock(lambda: NOON)

    assert clock() < clock() < clock()


def test_clock_set_back_never_goes_back() -> None:
    """A later observation stays later, whatever the machine's clock does."""
    times = iter([NOON, NOON - SECOND, NOON + SECOND])
    clock = ObservationClock(lambda: next(times))

    seen = [clock(), clock(), clock()]

    assert seen == sorted(set(seen))
