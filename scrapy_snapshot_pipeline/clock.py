"""The time of an observation: wall clock, UTC, and later at every call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


class ObservationClock:
    """Gives strictly increasing times, one microsecond apart at least.

    A wall clock that is set back must not put a later observation of a crawl before an earlier
    one, nor two into the same instant.
    """

    def __init__(self, time_ns: Callable[[], int]) -> None:
        """`time_ns`: nanoseconds since 1970, as `time.time_ns` gives them."""
        self._time_ns = time_ns
        self._last = 0

    def __call__(self) -> dt.datetime:
        """The time of the observation that is made now; aware, UTC."""
        self._last = max(self._time_ns() // 1000, self._last + 1)
        return _EPOCH + dt.timedelta(microseconds=self._last)
