"""What we ask of Scrapy's engine; all of its private names that we use are here.

Scrapy has no public call for some of this.  Each private name (`_slot.nextcall`, `_slot.closing`,
`_start_scheduled_request`, `scraper.slot`, `scraper._check_if_closing`) is the same in Scrapy 2.14
to 2.19.  Where a later version lacks one, the engine is left to its own five-second heartbeat, its
own way of starting requests and its own closing check.
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
"""The value of the engine's `paused` while we pause it; a pause of anyone else sets it to True."""
CLOSING_INTERVAL = 0.2
"""Seconds between two checks whether the crawl is closing."""
KICK_INTERVAL = 0.05
"""Seconds between two checks of a scraper that is closing."""


class CrawlEngine:
    """The engine of one crawl.  Reactor thread only.

    Every method is harmless before the engine exists and after it is gone.
    """

    def __init__(self, crawler: Crawler, call_later: CallLater) -> None:
        self._crawler = crawler
        self._call_later = call_later
        self._kicking = False
        self._resuming: object | None = None
        """A token of its own for each `resume`, so that one that was ended does not go on."""

    def pause(self) -> bool:
        """Stop the engine from starting requests; False if it is missing or paused by others."""
        engine = self._engine()
        if engine is None or (engine.paused and not self._holds(engine)):
            return False
        self._resuming = None
        engine.pause()
        engine.paused = _OURS
        return True

    def unpause(self) -> None:
        """Undo `pause`; the engine starts requests now, not at its next heartbeat."""
        self._resuming = None
        engine = self._engine()
        if engine is None or not self._holds(engine):
            return
        engine.unpause()
        self._wake()

    def resume(self) -> None:
        """Undo `pause` gently: start one request in every other turn of the loop until it is busy.

        The engine itself would start as many requests as it may have, all in one turn.  With pages
        that come fast and hold many items, that keeps the reactor from everything else.
        """
        if self._resuming is None:
            self._resuming = object()
            self._start_one(self._resuming)

    def _start_one(self, resuming: object) -> None:
        if resuming is not self._resuming:
            return  # this resuming was ended, and another one may have begun
        if self._starts_one():
            # The turn in between is for items that were stored meanwhile.
            again = partial(self._start_one, resuming)
            self._call_later(0, lambda: self._call_later(0, again))
        else:
            self.unpause()

    def _starts_one(self) -> bool:
        """Start the next request; False if there is none, or the engine is busy or not ours."""
        engine: Any = self._engine()
        start = getattr(engine, "_start_scheduled_request", None)
        if start is None or not self._holds(engine) or self._is_closing():
            return False
        try:
            return not engine.needs_backout() and bool(start())
        except Exception as error:  # noqa: BLE001 - a scheduler's error must not fail our item
            # The error's text may quote a URL.
            logger.error("Scrapy could not start a request: %s", type(error).__name__)  # noqa: TRY400
            return False

    def _holds(self, engine: ExecutionEngine) -> bool:
        """Whether the engine is paused by us."""
        paused: object = engine.paused
        return paused is _OURS

    def kick(self) -> None:
        """Once the crawl is closing, check again and again whether the scraper can close.

        When closing, Scrapy 2.18 and 2.19 wait for items from `start()`, but do not check again
        when the last of them is done, and would hang.
        """
        if self._kicking or not self._is_closing():
            return
        self._kicking = True
        self._call_later(KICK_INTERVAL, self._check_again)

    def when_closing(self, notify: Callable[[], object]) -> None:
        """Call `notify` once, as soon as the crawl begins to close, whatever the reason.

        Scrapy has no signal for it.  It calls `close_spider` only after the last item is done, and
        that item may be waiting for a database that is away.
        """
        if self._is_closing():
            notify()
        elif self._engine() is not None:
            self._call_later(CLOSING_INTERVAL, lambda: self.when_closing(notify))

    def stop(self, reason: str) -> None:
        """Ask for the end of the crawl with this finish reason; returns at once.

        The close is scheduled, since an item that waited for it would wait for itself.
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

    def _check_again(self) -> None:
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
        # Before the crawl starts, older versions of Scrapy give None and newer ones raise.
        try:
            return self._crawler.engine
        except RuntimeError:
            return None

    # `Any`, since private names have no types to rely on.

    def _engine_slot(self) -> Any:
        return getattr(self._engine(), "_slot", None)

    def _scraper(self) -> Any:
        return getattr(self._engine(), "scraper", None)

    def _scraper_closing(self) -> Any:
        return getattr(getattr(self._scraper(), "slot", None), "closing", None)


def _log_failed_stop(failure: Failure) -> None:
    logger.error("Scrapy could not close the spider as asked: %s", type(failure.value).__name__)
