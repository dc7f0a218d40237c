"""Writes down what happens to every item, so that it survives `kill -9`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.utils.asyncio import create_looping_call

from tests.faults.shop.items import Ticker

if TYPE_CHECKING:
    from typing_extensions import Self

BEAT = 0.01


class Witness:
    """Appends to `yielded`, `acknowledged`, `refused` and `gaps` in the crawl's folder."""

    def __init__(self) -> None:
        self._files: dict[str, int] = {}
        self._last = time.monotonic()
        self._beat = create_looping_call(self._note_gap)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        witness = cls()
        connect = crawler.signals.connect
        connect(witness.opened, signal=signals.spider_opened)
        connect(witness.closed, signal=signals.spider_closed)
        connect(witness.scraped, signal=signals.item_scraped)
        connect(witness.error, signal=signals.item_error)
        return witness

    def opened(self) -> None:
        """Start the heartbeat."""
        self._last = time.monotonic()
        self._beat.start(BEAT)

    def closed(self) -> None:
        """Stop the heartbeat."""
        self._beat.stop()

    def scraped(self, item: object) -> None:
        """Note an item that Scrapy reported as scraped."""
        self._append("acknowledged", item)

    def error(self, item: object) -> None:
        """Note an item for which a pipeline raised."""
        self._append("refused", item)

    def _append(self, name: str, item: object) -> None:
        if isinstance(item, Ticker):
            self._write(name, f"{item.sku} {item.look}\n")

    def _note_gap(self) -> None:
        now = time.monotonic()
        gap, self._last = now - self._last, now
        if gap > 3 * BEAT:
            self._write("gaps", f"{gap:.4f}\n")

    def _write(self, name: str, line: str) -> None:
        # A line that the kernel has taken survives the process, even before it is on the disk.
        if name not in self._files:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            self._files[name] = os.open(name, flags, 0o600)
        os.write(self._files[name], line.encode())
