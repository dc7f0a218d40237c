"""One thread for blocking calls, the hop into it, and the way back into the loop."""

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
"""Takes a function to call on the reactor thread; may itself be called on any thread."""

STOP_TIMEOUT = 0.5
"""Seconds that `stop` waits for the thread, which is idle unless the database hangs."""


class _DaemonThread(threading.Thread):
    """A thread that cannot keep the process alive, as one in a hanging connect would."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, daemon=True, **kwargs)


class _DaemonThreadPool(ThreadPool):
    threadFactory = _DaemonThread  # noqa: N815 - Twisted's name


class WorkerThread:
    """Makes blocking calls one after the other.  Its methods belong to the reactor thread.

    The pool of one thread is our own: DNS shares the reactor's, and a busy database would starve
    it.  Twisted's ThreadPool needs no reactor, so it serves crawls without one too.
    """

    def __init__(self, call_in_loop: CallInLoop) -> None:
        self._call_in_loop = call_in_loop
        self._pool = _DaemonThreadPool(minthreads=1, maxthreads=1, name="snapshot-writer")
        self._pool.start()

    def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Call `work` in the thread, after all that was handed in before."""
        answer: Deferred[T] = Deferred()

        def worked(_: bool, result: T | Failure) -> None:  # noqa: FBT001 - Twisted's signature
            self._answer_in_loop(lambda: answer.callback(cast("T", result)))

        self._pool.callInThreadWithCallback(worked, work, *args, **kwargs)
        return answer

    def run_blocking(
        self, seconds: float, work: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs
    ) -> bool:
        """Call `work` in the thread, and wait for its end; False if it is not over in time.

        Only for where no loop is left to wait in.
        """
        ended = threading.Event()
        self._pool.callInThreadWithCallback(lambda *_: ended.set(), work, *args, **kwargs)
        return ended.wait(seconds)

    def stop(self) -> None:
        """End the thread if it is idle soon, or leave it behind; `run` must not be called again."""
        # `ThreadPool.stop` waits without limit, so another thread has to call it.
        stopping = threading.Thread(target=self._pool.stop, daemon=True)
        stopping.start()
        stopping.join(STOP_TIMEOUT)

    def _answer_in_loop(self, answer: Callable[[], object]) -> None:
        # A loop that is closed refuses the call; nobody waits for the answer any more.
        with contextlib.suppress(RuntimeError):
            self._call_in_loop(answer)


def call_in_reactor() -> CallInLoop:
    """The way into the running Twisted reactor."""
    call: CallInLoop = _reactor().callFromThread
    return call


def before_reactor_shutdown(work: Callable[[], object]) -> Callable[[], object]:
    """Have `work` called when the reactor begins to stop; returns a function that revokes this."""
    reactor = _reactor()
    trigger = reactor.addSystemEventTrigger("before", "shutdown", work)

    def revoke() -> None:
        # The trigger is gone once the reactor stops, which may be why this is called.
        with contextlib.suppress(KeyError, ValueError, TypeError):
            reactor.removeSystemEventTrigger(trigger)

    return revoke


def call_in_asyncio_loop() -> CallInLoop:
    """The way into the running asyncio loop, where there is no reactor."""
    return asyncio.get_running_loop().call_soon_threadsafe


def _reactor() -> Any:
    # The import installs a reactor, so it must not come before Scrapy has chosen one.
    from twisted.internet import reactor

    return reactor
