"""The clock of observations."""

from __future__ import annotations

import datetime as dt

from scrapy_snapshot_pipeline.clock import ObservationClock


def test_time_is_utc_to_the_microsecond() -> None:
    """Nanoseconds are cut, not rounded into the future."""
    clock = ObservationClock(lambda: 1_700_000_000_123_456_999)

    expected = dt.datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=dt.timezone.utc)
    assert clock() == expected


def test_standing_clock_still_gives_later_times() -> None:
    """Two observations never share an instant."""
    clock = ObservationClock(lambda: 5_000)

    assert clock() < clock() < clock()


def test_clock_set_back_never_goes_back() -> None:
    """A later observation stays later, whatever the machine's clock does."""
    times = iter([9_000_000, 1_000_000, 9_500_000])
    clock = ObservationClock(lambda: next(times))

    seen = [clock(), clock(), clock()]

    assert seen == sorted(set(seen))
