"""A sleep that can be ended early, on a clock that is handed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from twisted.internet.defer import Deferred, succeed


class Cancellable(Protocol):
    """A call that was put off."""

    def cancel(self) -> object:
        """Forget the call; must not be used once the call was made."""


CallLater: TypeAlias = Callable[[float, Callable[[], object]], Cancellable]
"""Takes seconds, and a function to call after them on the reactor thread."""


class InterruptibleSleep:
    """One sleep at a time.  Reactor thread only."""

    def __init__(self, call_later: CallLater) -> None:
        self._call_later = call_later
        self._timer: Cancellable | None = None
        self._awake: Deferred[None] = succeed(None)

    def sleep(self, seconds: float) -> Deferred[None]:
        """Fires after `seconds`, or earlier if interrupted."""
        self._awake = Deferred()
        self._timer = self._call_later(seconds, self._wake)
        return self._awake

    def interrupt(self) -> None:
        """End the sleep before returning; does nothing if nobody sleeps."""
        if self._timer is not None:
            self._timer.cancel()
            self._wake()

    def _wake(self) -> None:
        self._timer = None
        self._awake.callback(None)
