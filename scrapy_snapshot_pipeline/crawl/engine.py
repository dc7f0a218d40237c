"""What we ask of Scrapy's engine, with its private names in one place.

Scrapy has no public call for some of it.  Each private name (`_slot.nextcall`, `_slot.closing`,
`_start_scheduled_request`, `scraper.slot`, `scraper._check_if_closing`) is the same in Scrapy 2.14
to 2.19; where a later one lacks it, the engine is left to its own five-second heartbeat, its own
way to start requests and its own closing check.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from scrapy.core.engine import ExecutionEngine
from scrapy.crawler import Crawler
from scrapy.utils.defer import deferred_from_coro
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from scrapy_snapshot_pipeline.reactor.timers import CallLater

logger = logging.getLogger(__name__)

_OURS: Any = "paused by the snapshot pipeline"
"""What the engine's `paused` is while we pause it; anyone else's pause makes it True."""
CLOSING_INTERVAL = 0.2
"""Seconds between two looks at whether the crawl is closing."""
KICK_INTERVAL = 0.05
"""Seconds between two looks at a scraper that is closing."""


class CrawlEngine:
    """The engine of one crawl; harmless before the engine is there and after it is gone.

    Reactor thread only.
    """

    def __init__(self, crawler: Crawler, call_later: CallLater) -> None:
        self._crawler = crawler
        self._call_later = call_later
        self._kicking = False
        self._resuming: object | None = None
        """Another one each time."""

    def pause(self) -> bool:
        """Stop the engine starting requests; False if there is none or someone paused it."""
        engine = self._engine()
        if engine is None or (engine.paused and not self._holds(engine)):
            return False
        self._resuming = None
        engine.pause()
        engine.paused = _OURS
        return True

    def unpause(self) -> None:
        """After `pause`, let the engine start requests again, now and not at its next heartbeat."""
        self._resuming = None
        engine = self._engine()
        if engine is None or not self._holds(engine):
            return
        engine.unpause()
        self._wake()

    def resume(self) -> None:
        """After `pause`, start one request in every other turn of the loop; unpause when busy.

        By itself the engine starts at once as many as it may have: of pages that come fast, with a
        hundred items each, that was 0.2 s of work in one turn.
        """
        if self._resuming is None:
            self._resuming = object()
            self._start_one(self._resuming)

    def _start_one(self, resuming: object) -> None:
        if resuming is not self._resuming:
            return  # it was ended, and another may have begun
        if self._starts_one():
            # The turn between is for items whose last word came meanwhile.
            again = partial(self._start_one, resuming)
            self._call_later(0, lambda: self._call_later(0, again))
        else:
            self.unpause()

    def _starts_one(self) -> bool:
        """Start the next request; False if there is none, or the engine is busy, or not ours."""
        engine: Any = self._engine()
        start = getattr(engine, "_start_scheduled_request", None)
        if start is None or not self._holds(engine) or self._is_closing():
            return False
        try:
            return not engine.needs_backout() and bool(start())
        except Exception as error:  # noqa: BLE001 - of a scheduler; an item of ours must not fail
            # Without its text, which may quote a URL.
            logger.error("Scrapy could not start a request: %s", type(error).__name__)  # noqa: TRY400
            return False

    def _holds(self, engine: ExecutionEngine) -> bool:
        """Whether it is paused, and by us."""
        paused: object = engine.paused
        return paused is _OURS

    def kick(self) -> None:
        """From the beginning of the closing, look until the scraper has closed.

        Scrapy 2.18 and 2.19 wait for items from `start()` when closing, but do not look again
        when the last of them is done, and would hang.
        """
        if self._kicking or not self._is_closing():
            return
        self._kicking = True
        self._call_later(KICK_INTERVAL, self._look_again)

    def when_closing(self, tell: Callable[[], object]) -> None:
        """Call `tell` once, as soon as the crawl begins to close, for whatever reason.

        Scrapy tells nobody: it calls `close_spider` only after the last item is done, which may
        be waiting for a database that is away.
        """
        if self._is_closing():
            tell()
        elif self._engine() is not None:
            self._call_later(CLOSING_INTERVAL, lambda: self.when_closing(tell))

    def stop(self, reason: str) -> None:
        """Ask for the end of the crawl with this finish reason; returns at once.

        It is scheduled, since an item that waited for the close would wait for itself.
        """
        self._call_later(0, lambda: self._close_spider(reason))

    def _close_spider(self, reason: str) -> None:
        engine = self._engine()
        if engine is None or engine.spider is None:
            return
        closed: Deferred[None] = deferred_from_coro(engine.close_spider_async(reason=reason))
        closed.addErrback(_log_failed_stop)

    def _wake(self) -> None:
        slot = self._engine_slot()
        nextcall = getattr(slot, "nextcall", None)
        if nextcall is not None and getattr(slot, "closing", None) is None:
            nextcall.schedule()

    def _is_closing(self) -> bool:
        if self._scraper_closing() is not None:
            return not self._scraper_closing().called
        return getattr(self._engine_slot(), "closing", None) is not None

    def _look_again(self) -> None:
        self._kicking = False
        self._check_if_closing()
        self.kick()

    def _check_if_closing(self) -> None:
        scraper = self._scraper()
        closing = self._scraper_closing()
        check = getattr(scraper, "_check_if_closing", None)
        if closing is None or check is None or closing.called:
            return
        if scraper.slot.is_idle():
            check()

    def _engine(self) -> ExecutionEngine | None:
        # Before the crawl starts it is None in older versions of Scrapy, and an error in newer.
        try:
            return self._crawler.engine
        except RuntimeError:
            return None

    # Private names have no types to rely on, hence `Any`.

    def _engine_slot(self) -> Any:
        return getattr(self._engine(), "_slot", None)

    def _scraper(self) -> Any:
        return getattr(self._engine(), "scraper", None)

    def _scraper_closing(self) -> Any:
        return getattr(getattr(self._scraper(), "slot", None), "closing", None)


def _log_failed_stop(failure: Failure) -> None:
    logger.error("Scrapy could not close the spider as asked: %s", type(failure.value).__name__)
