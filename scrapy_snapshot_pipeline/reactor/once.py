"""A piece of work that is done once and awaited by many."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure


class Once:
    """Runs a coroutine at the first `wait`; all who wait, then or later, hear of the same end.

    The coroutine may await Deferreds only.  It goes on if those who wait are cancelled.
    """

    def __init__(self, work: Callable[[], Coroutine[Deferred[Any], Any, None]]) -> None:
        self._work = work
        self._running: Deferred[None] | None = None
        self._waiters: list[Deferred[None]] = []
        self._done = False
        self._failure: Failure | None = None

    def wait(self) -> Deferred[None]:
        """Start the work unless it was started; the Deferred fires, or fails, when it ends."""
        waiter: Deferred[None] = Deferred()
        self._waiters.append(waiter)
        if self._running is None:
            self._running = Deferred.fromCoroutine(self._work())
            self._running.addCallbacks(self._succeeded, self._failed)
        elif self._done:
            self._fire_waiters()
        return waiter

    def _succeeded(self, _: None) -> None:
        self._done = True
        self._fire_waiters()

    def _failed(self, failure: Failure) -> None:
        self._failure = failure
        self._succeeded(None)

    def _fire_waiters(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(None) if self._failure is None else waiter.errback(self._failure)
