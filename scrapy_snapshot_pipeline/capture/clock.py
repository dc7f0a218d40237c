"""The time of an observation: the wall clock in UTC, kept strictly increasing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

_TICK = dt.timedelta(microseconds=1)


class ObservationClock:
    """Gives strictly increasing times, at least one microsecond apart.

    When the wall clock is set back or stands still, a later observation of the crawl must still
    come after an earlier one.
    """

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        """`now` reads the wall clock, as an aware time in UTC."""
        self._now = now
        self._last = dt.datetime.min.replace(tzinfo=dt.timezone.utc)

    def __call__(self) -> dt.datetime:
        """The time of the observation that is being made, aware and in UTC."""
        now = self._now()
        if now <= self._last:
            now = self._last + _TICK
        self._last = now
        return now
