"""The one thread that talks to the database, and the hop into it and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")
P = ParamSpec("P")

_NAME = "snapshot-writer"


class WriterThread(Protocol):
    """Runs one blocking call after the other.  Its methods belong to the reactor thread."""

    def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Call `work` in the thread, after all that was handed in before."""

    def stop(self) -> None:
        """End the thread once it is idle; idempotent, and `run` must not be called again."""


class TwistedWriterThread:
    """A pool of one: the reactor's own is shared with DNS, and a busy database would starve it.

    A Twisted pool that is never stopped keeps the process from ending, deaf to SIGTERM, so the
    reactor stops it on its way down where nobody else did.
    """

    def __init__(self, reactor: Any) -> None:  # noqa: ANN401 - zope interfaces have no types
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=1, maxthreads=1, name=_NAME)
        self._pool.start()
        self._trigger = reactor.addSystemEventTrigger("during", "shutdown", self._pool.stop)
        self._stopped = False

    def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """See `WriterThread`."""
        return deferToThreadPool(self._reactor, self._pool, work, *args, **kwargs)

    def stop(self) -> None:
        """See `WriterThread`."""
        if self._stopped:
            return
        self._stopped = True
        self._reactor.removeSystemEventTrigger(self._trigger)
        self._pool.stop()


class ExecutorWriterThread:
    """For crawls without a reactor: the same on an asyncio loop, which must be running."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=_NAME)

    def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """See `WriterThread`."""
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._executor, lambda: work(*args, **kwargs))
        return cast("Deferred[T]", Deferred.fromFuture(future))

    def stop(self) -> None:
        """See `WriterThread`."""
        self._executor.shutdown(wait=False)
