"""The time of an observation: wall clock, UTC, and later at every call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

_TICK = dt.timedelta(microseconds=1)


class ObservationClock:
    """Gives strictly increasing times, one microsecond apart at least.

    A wall clock that is set back must not put a later observation of a crawl before an earlier
    one, nor two into the same instant.
    """

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        """`now`: the wall clock, aware, UTC."""
        self._now = now
        self._last = dt.datetime.min.replace(tzinfo=dt.timezone.utc)

    def __call__(self) -> dt.datetime:
        """The time of the observation that is made now; aware, UTC."""
        now = self._now()
        if now <= self._last:
            now = self._last + _TICK
        self._last = now
        return now
