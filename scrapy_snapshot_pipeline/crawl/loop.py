"""The loop that a crawl runs on: Twisted's reactor, or asyncio's loop alone.

Since Scrapy 2.15 a crawl may run without a reactor (TWISTED_REACTOR_ENABLED = False).
"""

from __future__ import annotations

import atexit
from collections.abc import Callable

from scrapy.crawler import Crawler
from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.reactor.thread import (
    CallInLoop,
    before_reactor_shutdown,
    call_in_asyncio_loop,
    call_in_reactor,
)


def loop_caller(crawler: Crawler) -> CallInLoop:
    """The way from another thread into the crawl's loop, which must be running."""
    return call_in_reactor() if _has_reactor(crawler) else call_in_asyncio_loop()


def before_shutdown(
    crawler: Crawler, work: Callable[[], Deferred[None]], work_blocking: Callable[[], object]
) -> Callable[[], object]:
    """Have `work` called when the loop is stopped under the crawl; gives what cancels that.

    A reactor goes on until the Deferred fires.  Where there is none, the loop is gone by then, and
    `work_blocking` is called instead.
    """
    if _has_reactor(crawler):
        return before_reactor_shutdown(work)
    # Without a reactor Scrapy cancels every task, and `atexit` is all that still calls us.
    atexit.register(work_blocking)
    return lambda: atexit.unregister(work_blocking)


def _has_reactor(crawler: Crawler) -> bool:
    return crawler.settings.getbool("TWISTED_REACTOR_ENABLED", True)  # noqa: FBT003
