"""Extensions that write down what the crawl saw, and one that makes the database slow."""

from __future__ import annotations

import atexit
import datetime as dt
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

from scrapy_snapshot_pipeline import pipeline
from tests.crawl.shop.items import Product

if TYPE_CHECKING:
    from typing_extensions import Self


class StatsFile:
    """Writes the stats into `stats.json` when the process ends, however it ends."""

    def __init__(self, stats: Any) -> None:
        self._stats = stats

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        extension = cls(crawler.stats)
        atexit.register(extension.write)
        return extension

    def write(self) -> None:
        stats = json.dumps(self._stats.get_stats(), default=str)
        Path("stats.json").write_text(stats, encoding="utf-8")


class Acknowledged:
    """Writes each product that Scrapy reports as scraped into a file that survives a crash."""

    def __init__(self) -> None:
        self._file = Path("acknowledged.txt").open("a", encoding="utf-8")  # noqa: SIM115

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """SHOP_ACKNOWLEDGED switches it on."""
        if not crawler.settings.getbool("SHOP_ACKNOWLEDGED"):
            raise NotConfigured
        extension = cls()
        crawler.signals.connect(extension.item_scraped, signal=signals.item_scraped)
        return extension

    def item_scraped(self, item: Product) -> None:
        """Write one line."""
        self._file.write(f"{item.sku}\n")
        self._file.flush()
        os.fsync(self._file.fileno())


class SlowCommits:
    """Makes each commit after the spider has opened take SHOP_COMMIT_SECONDS.

    The wait is in the thread that commits.  The file `committing` says that the first has begun.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._opened = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """SHOP_COMMIT_SECONDS switches it on."""
        seconds = crawler.settings.getfloat("SHOP_COMMIT_SECONDS")
        if not seconds:
            raise NotConfigured
        extension = cls(seconds)
        crawler.signals.connect(extension.spider_opened, signal=signals.spider_opened)
        sa.event.listen(Engine, "commit", extension.commit)
        return extension

    def spider_opened(self) -> None:
        """Slow down from here on: the tables and the run's row exist."""
        self._opened = True

    def commit(self, _: Connection) -> None:
        """Hold the writer thread."""
        if self._opened:
            Path("committing").touch()
            time.sleep(self._seconds)


class ClockBehind:
    """Has the plugin read a clock that is SHOP_CLOCK_BEHIND seconds behind."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Extensions are made before pipelines, and so before the plugin has read any clock."""
        seconds = crawler.settings.getfloat("SHOP_CLOCK_BEHIND")
        if not seconds:
            raise NotConfigured
        right, behind = pipeline._utc_now, dt.timedelta(seconds=seconds)
        pipeline._utc_now = lambda: right() - behind
        return cls()


class Heartbeat:
    """Writes the seconds between the beats of the reactor into `heartbeat.json`."""

    INTERVAL = 0.005

    def __init__(self) -> None:
        self._last = 0.0
        self._gaps: list[float] = []
        self._beat = create_looping_call(self._note)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """SHOP_HEARTBEAT switches it on."""
        if not crawler.settings.getbool("SHOP_HEARTBEAT"):
            raise NotConfigured
        extension = cls()
        crawler.signals.connect(extension.spider_opened, signal=signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signal=signals.spider_closed)
        return extension

    def spider_opened(self) -> None:
        """Start to beat."""
        self._last = time.monotonic()
        self._beat.start(self.INTERVAL)

    def spider_closed(self) -> None:
        """Stop, and write the file."""
        self._beat.stop()
        Path("heartbeat.json").write_text(json.dumps(self._gaps), encoding="utf-8")

    def _note(self) -> None:
        now = time.monotonic()
        self._gaps.append(now - self._last)
        self._last = now
