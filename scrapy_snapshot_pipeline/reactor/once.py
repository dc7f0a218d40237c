"""A piece of work that is done once and awaited by many."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure


class Once:
    """Runs a coroutine, which awaits Deferreds only, at the first `wait`.

    The work belongs to nobody who waits: it goes on when a waiter is cancelled or abandoned.
    """

    def __init__(self, work: Callable[[], Coroutine[Deferred[Any], Any, None]]) -> None:
        self._work = work
        self._running: Deferred[None] | None = None
        self._waiters: list[Deferred[None]] = []
        self._done = False
        self._failure: Failure | None = None

    def wait(self) -> Deferred[None]:
        """Start the work if it was not; fires, or fails, with its end."""
        waiter: Deferred[None] = Deferred()
        self._waiters.append(waiter)
        if self._running is None:
            self._running = Deferred.fromCoroutine(self._work())
            self._running.addCallbacks(self._succeeded, self._failed)
        elif self._done:
            self._tell()
        return waiter

    def _succeeded(self, _: None) -> None:
        self._done = True
        self._tell()

    def _failed(self, failure: Failure) -> None:
        self._failure = failure
        self._succeeded(None)

    def _tell(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(None) if self._failure is None else waiter.errback(self._failure)
