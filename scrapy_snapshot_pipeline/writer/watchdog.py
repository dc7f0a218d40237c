"""Frees the writer from a frozen server, against which no timeout of the server's own helps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.reactor.timers import CallLater, Cancellable

T = TypeVar("T")


class Watchdog:
    """Cuts the connection under work that takes too long.  Reactor thread only."""

    def __init__(self, call_later: CallLater, seconds: float, cut: Callable[[], object]) -> None:
        """`cut` makes the work in the writer thread fail at once; it is called on the reactor's."""
        self._call_later = call_later
        self._seconds = seconds
        self._cut = cut

    def watch(self, work: Deferred[T]) -> Deferred[T]:
        """Cut again and again until `work` is answered; returns `work`."""
        watch = _Watch(self._call_later, self._seconds, self._cut)
        return work.addBoth(watch.end)


class _Watch:
    def __init__(self, call_later: CallLater, seconds: float, cut: Callable[[], object]) -> None:
        self._call_later = call_later
        self._seconds = seconds
        self._cut = cut
        self._timer: Cancellable = call_later(seconds, self._time_out)

    def end(self, answer: T) -> T:
        self._timer.cancel()
        return answer

    def _time_out(self) -> None:
        self._timer = self._call_later(self._seconds, self._time_out)
        self._cut()
