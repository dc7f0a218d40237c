"""What the crawl itself saw, written down for the test; and a database that is slow."""

from __future__ import annotations

import atexit
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.utils.asyncio import create_looping_call
from sqlalchemy.engine import Connection, Engine

from tests.crawl.shop.items import Product

if TYPE_CHECKING:
    from typing_extensions import Self


class StatsFile:
    """Writes the stats into `stats.json` when the process ends, in whatever way it does."""

    def __init__(self, stats: Any) -> None:
        self._stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Always on."""
        extension = cls(crawler.stats)
        atexit.register(extension.write)
        return extension

    def write(self) -> None:
        """The last state of them."""
        stats = json.dumps(self._stats.get_stats(), default=str)
        Path("stats.json").write_text(stats, encoding="utf-8")


class Acknowledged:
    """Writes each product that Scrapy reports as scraped into a file, safe against a crash."""

    def __init__(self) -> None:
        self._file = Path("acknowledged.txt").open("a", encoding="utf-8")  # noqa: SIM115

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """On with SHOP_ACKNOWLEDGED."""
        if not crawler.settings.getbool("SHOP_ACKNOWLEDGED"):
            raise NotConfigured
        extension = cls()
        crawler.signals.connect(extension.item_scraped, signal=signals.item_scraped)
        return extension

    def item_scraped(self, item: Product) -> None:
        """One line."""
        self._file.write(f"{item.sku}\n")
        self._file.flush()
        os.fsync(self._file.fileno())


class SlowCommits:
    """Makes each commit take SHOP_COMMIT_SECONDS, in the thread that commits.

    From the opening of the spider on; `committing` is there once the first commit has begun.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._opened = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """On with SHOP_COMMIT_SECONDS."""
        seconds = crawler.settings.getfloat("SHOP_COMMIT_SECONDS")
        if not seconds:
            raise NotConfigured
        extension = cls(seconds)
        crawler.signals.connect(extension.spider_opened, signal=signals.spider_opened)
        sa.event.listen(Engine, "commit", extension.commit)
        return extension

    def spider_opened(self) -> None:
        """Tables and the run's row are there."""
        self._opened = True

    def commit(self, _: Connection) -> None:
        """Hold the writer."""
        if self._opened:
            Path("committing").touch()
            time.sleep(self._seconds)


class Heartbeat:
    """Writes the seconds between two beats of the reactor into `heartbeat.json`."""

    INTERVAL = 0.005

    def __init__(self) -> None:
        self._last = 0.0
        self._gaps: list[float] = []
        self._beat = create_looping_call(self._note)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """On with SHOP_HEARTBEAT."""
        if not crawler.settings.getbool("SHOP_HEARTBEAT"):
            raise NotConfigured
        extension = cls()
        crawler.signals.connect(extension.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signal=signals.spider_closed)
        return extension

    def spider_opened(self) -> None:
        """Begin."""
        self._last = time.monotonic()
        self._beat.start(self.INTERVAL)

    def spider_closed(self) -> None:
        """End."""
        self._beat.stop()
        Path("heartbeat.json").write_text(json.dumps(self._gaps), encoding="utf-8")

    def _note(self) -> None:
        now = time.monotonic()
        self._gaps.append(now - self._last)
        self._last = now
