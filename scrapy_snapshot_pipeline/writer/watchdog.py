"""Frees the writer from a frozen server, against which no timeout of the server's own helps.

It looks at each statement: a call with many of them may take longer than any one of them may.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.reactor.timers import CallLater, Cancellable

T = TypeVar("T")


class Watchdog:
    """Cuts the connection under work that gets no answer for too long.  Reactor thread only."""

    def __init__(
        self,
        call_later: CallLater,
        seconds: float,
        cut: Callable[[], object],
        idle: Callable[[], float],
    ) -> None:
        """`cut` makes the work in the writer thread fail at once; it is called on the reactor's.

        `idle` gives the seconds since the database last answered anything.
        """
        self._call_later = call_later
        self._seconds = seconds
        self._cut = cut
        self._idle = idle

    def watch(self, work: Deferred[T]) -> Deferred[T]:
        """Cut again and again until `work` is answered; returns `work`."""
        watch = _Watch(self._call_later, self._seconds, self._cut, self._idle)
        return work.addBoth(watch.end)


class _Watch:
    def __init__(
        self,
        call_later: CallLater,
        seconds: float,
        cut: Callable[[], object],
        idle: Callable[[], float],
    ) -> None:
        self._call_later = call_later
        self._seconds = seconds
        self._cut = cut
        self._idle = idle
        self._timer: Cancellable = call_later(seconds, self._time_out)

    def end(self, answer: T) -> T:
        self._timer.cancel()
        return answer

    def _time_out(self) -> None:
        left = self._seconds - self._idle()
        self._timer = self._call_later(left if left > 0 else self._seconds, self._time_out)
        if left <= 0:
            self._cut()
