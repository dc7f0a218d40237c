"""The one thread that talks to the database, and the hop into it and back."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")
P = ParamSpec("P")

CallInLoop: TypeAlias = Callable[[Callable[[], object]], object]
"""Has a function called on the reactor thread; may be called in any thread."""

PATIENCE = 0.5
"""Seconds that `stop` waits for the thread, which is idle unless the database hangs."""


class WriterThread:
    """Runs one blocking call after the other.  Its methods belong to the reactor thread.

    A thread of its own, since the reactor's pool is shared with DNS and a busy database would
    starve it.  It is a daemon, as no pool's threads are: one that hangs in a connect must not
    keep the process from ending.
    """

    def __init__(self, call_in_loop: CallInLoop) -> None:
        self._call_in_loop = call_in_loop
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="snapshot-writer", daemon=True)
        self._thread.start()

    def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Call `work` in the thread, after all that was handed in before."""
        answer: Deferred[T] = Deferred()

        def call() -> None:
            result = _call(lambda: work(*args, **kwargs))
            self._answer(lambda: answer.callback(cast("T", result)))

        self._work.put(call)
        return answer

    def stop(self) -> None:
        """End the thread once it is idle; `run` must not be called again."""
        self._work.put(None)
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        while (call := self._work.get()) is not None:
            call()

    def _answer(self, tell: Callable[[], None]) -> None:
        try:
            self._call_in_loop(tell)
        except RuntimeError:  # the loop is closed: nobody is there to be told
            return


def _call(work: Callable[[], T]) -> T | Failure:
    try:
        return work()
    except BaseException:  # noqa: BLE001 - whoever waits must be told, also of an exit
        return Failure()  # type: ignore[no-untyped-call]


def call_in_reactor() -> CallInLoop:
    """The way into the running Twisted reactor."""
    call: CallInLoop = _reactor().callFromThread
    return call


def before_reactor_shutdown(work: Callable[[], object]) -> Callable[[], object]:
    """Have `work` called when the reactor begins to stop; gives back what takes that back."""
    reactor = _reactor()
    trigger = reactor.addSystemEventTrigger("before", "shutdown", work)

    def take_back() -> None:
        # The trigger is gone once the reactor stops, which may be why we are here.
        with contextlib.suppress(KeyError, ValueError, TypeError):
            reactor.removeSystemEventTrigger(trigger)

    return take_back


def call_in_asyncio_loop() -> CallInLoop:
    """The way into the running asyncio loop, where there is no reactor."""
    return asyncio.get_running_loop().call_soon_threadsafe


def _reactor() -> Any:
    # Importing the reactor installs one, so it must not come before Scrapy has chosen.
    from twisted.internet import reactor

    return reactor
