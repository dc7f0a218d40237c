"""The one thread that talks to the database, and the hop into it and back."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")
P = ParamSpec("P")

CallInLoop: TypeAlias = Callable[[Callable[[], object]], object]
"""Has a function called on the reactor thread; may be called in any thread."""

PATIENCE = 0.5
"""Seconds that `stop` waits for the thread, which is idle unless the database hangs."""


class _DaemonThread(threading.Thread):
    """One that cannot keep the process from ending, as a connect that hangs would."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, daemon=True, **kwargs)


class _DaemonThreadPool(ThreadPool):
    threadFactory = _DaemonThread  # noqa: N815 - Twisted's name


class WorkerThread:
    """Runs one blocking call after the other.  Its methods belong to the reactor thread.

    A pool of one and of our own, since the reactor's is shared with DNS and a busy database would
    starve it.  Twisted's needs no reactor, so it serves crawls without one too.
    """

    def __init__(self, call_in_loop: CallInLoop) -> None:
        self._call_in_loop = call_in_loop
        self._pool = _DaemonThreadPool(minthreads=1, maxthreads=1, name="snapshot-writer")
        self._pool.start()

    def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Call `work` in the thread, after all that was handed in before."""
        answer: Deferred[T] = Deferred()

        def tell(_: bool, result: T | Failure) -> None:  # noqa: FBT001 - Twisted's signature
            self._tell(lambda: answer.callback(cast("T", result)))

        self._pool.callInThreadWithCallback(tell, work, *args, **kwargs)
        return answer

    def stop(self) -> None:
        """End the thread once it is idle, or leave a hung one behind; `run` must not follow."""
        # `ThreadPool.stop` waits without limit, so somebody else must do it.
        stopping = threading.Thread(target=self._pool.stop, daemon=True)
        stopping.start()
        stopping.join(PATIENCE)

    def _tell(self, answer: Callable[[], object]) -> None:
        try:
            self._call_in_loop(answer)
        except RuntimeError:  # the loop is closed: nobody is there to be told
            return


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
