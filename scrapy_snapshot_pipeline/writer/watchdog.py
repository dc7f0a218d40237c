"""Frees the writer from a server that is frozen: no timeout of the server's own works then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.reactor.timers import CallLater, Cancellable

T = TypeVar("T")


class Watchdog:
    """Cuts the connection under work that takes too long.  Reactor thread only."""

    def __init__(self, call_later: CallLater, seconds: float, cut: Callable[[], object]) -> None:
        """`cut` has the work in the writer thread fail at once; it is called in the reactor's."""
        self._call_later = call_later
        self._seconds = seconds
        self._cut = cut

    def watch(self, work: Deferred[T]) -> Deferred[T]:
        """Cut, and cut again, until `work` has an answer; gives back `work`."""
        watch = _Watch(self._call_later, self._seconds, self._cut)
        return work.addBoth(watch.end)


class _Watch:
    def __init__(self, call_later: CallLater, seconds: float, cut: Callable[[], object]) -> None:
        self._call_later = call_later
        self._seconds = seconds
        self._cut = cut
        self._timer: Cancellable = call_later(seconds, self._bite)

    def end(self, answer: T) -> T:
        self._timer.cancel()
        return answer

    def _bite(self) -> None:
        self._timer = self._call_later(self._seconds, self._bite)
        self._cut()
