"""What a user should know about a crawl that goes on all the same; each is said once."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence

from scrapy.settings import BaseSettings

from scrapy_snapshot_pipeline.records import WriteResult

logger = logging.getLogger(__name__)


class CrawlWarnings:
    """What committed batches tell of the keys and of the clocks.  Reactor thread only."""

    def __init__(
        self, key_of: Callable[[str], Sequence[str]], now: Callable[[], dt.datetime]
    ) -> None:
        """`key_of` gives the key fields of a table; `now` is the wall clock, in UTC."""
        self._key_of = key_of
        self._now = now
        self._tables: set[str] = set()
        self._clock_said = False

    def committed(self, result: WriteResult) -> None:
        """Say what a batch has met for the first time."""
        for table in result.conflicts:
            self._warn_of_key(table)
        if result.ahead and not self._clock_said:
            self._clock_said = True
            _warn_of_clock(max(result.ahead), self._now())

    def _warn_of_key(self, table: str) -> None:
        if table in self._tables:
            return
        self._tables.add(table)
        logger.warning(
            "Table %s: one entity was seen with different contents in this crawl, and each makes "
            "a version; if these are different things, the key (%s) is not unique: add a field "
            "that tells them apart (counted in snapshots/conflicts)",
            table,
            ", ".join(self._key_of(table)),
        )


def _warn_of_clock(stored: dt.datetime, now: dt.datetime) -> None:
    logger.warning(
        "The database has a version that was last confirmed at %s, and the clock here says %s: "
        "one of the clocks is wrong, here or where that was written. Until the later time, a "
        "change of such an entity counts as late and changes nothing that is current (counted in "
        "snapshots/ahead)",
        stored.isoformat(" ", "seconds"),
        now.isoformat(" ", "seconds"),
    )


def warn_of_http_cache(settings: BaseSettings) -> None:
    """Say that pages from Scrapy's cache count as seen now, where it is on."""
    if settings.getbool("HTTPCACHE_ENABLED"):
        logger.warning(
            "HTTPCACHE_ENABLED is on: an item from a cached page counts as seen now and moves "
            "last_confirmed_at, though nobody looked; turn it off where the history matters"
        )
