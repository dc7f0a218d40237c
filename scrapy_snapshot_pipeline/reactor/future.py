"""What an item waits on: a value that comes later, awaited by a coroutine of Scrapy's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from scrapy.utils.asyncio import is_asyncio_available
from twisted.internet.defer import Deferred

T = TypeVar("T")

Future: TypeAlias = tuple[Awaitable[T], Callable[[T], object]]
"""What to await, and the function that sets its result.  Each is used once, on the reactor thread.

To set the result is harmless if whoever waited was cancelled.
"""


def future_factory() -> Callable[[], Future[T]]:
    """A function that makes futures for the loop in which this one is called.

    Under asyncio these are futures of asyncio's own.  A Deferred would work as well, but every
    item waits on one, and Scrapy's bridge from a Deferred to a future takes several times as long.
    """
    if not is_asyncio_available():
        return _twisted_future
    loop = asyncio.get_running_loop()

    def asyncio_future() -> Future[T]:
        future: asyncio.Future[T] = loop.create_future()

        def set_result(result: T) -> None:
            if not future.cancelled():
                future.set_result(result)

        return future, set_result

    return asyncio_future


def _twisted_future() -> Future[T]:
    deferred: Deferred[T] = Deferred()
    return deferred, deferred.callback
