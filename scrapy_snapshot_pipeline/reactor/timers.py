"""A sleep on somebody else's clock that can be cut short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from twisted.internet.defer import Deferred, succeed


class Cancellable(Protocol):
    """A call that was put off."""

    def cancel(self) -> object:
        """Forget the call; only asked for before it was made."""


CallLater: TypeAlias = Callable[[float, Callable[[], object]], Cancellable]
"""Seconds and what to call then, on the reactor thread."""


class InterruptibleSleep:
    """One sleep at a time.  Reactor thread only."""

    def __init__(self, call_later: CallLater) -> None:
        self._call_later = call_later
        self._timer: Cancellable | None = None
        self._awake: Deferred[None] = succeed(None)

    def sleep(self, seconds: float) -> Deferred[None]:
        """Fire after so many seconds, or when interrupted."""
        self._awake = Deferred()
        self._timer = self._call_later(seconds, self._ring)
        return self._awake

    def interrupt(self) -> None:
        """End the sleep now, before returning; nothing happens when nobody sleeps."""
        if self._timer is not None:
            self._timer.cancel()
            self._ring()

    def _ring(self) -> None:
        self._timer = None
        self._awake.callback(None)
