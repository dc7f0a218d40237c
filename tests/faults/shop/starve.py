"""Another extension of the project, which takes all shared threads."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured

if TYPE_CHECKING:
    from typing_extensions import Self

SECONDS = 2.0
THREADS = 40


class Starve:
    """Fills the thread pools of the reactor and of the asyncio loop with sleepers."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """LOOKS_STARVE switches it on."""
        if not crawler.settings.getbool("LOOKS_STARVE"):
            raise NotConfigured
        extension = cls()
        crawler.signals.connect(extension.opened, signal=signals.spider_opened)
        return extension

    def opened(self) -> None:
        """Fill both pools."""
        from twisted.internet import reactor

        loop = asyncio.get_running_loop()
        for _ in range(THREADS):
            reactor.callInThread(time.sleep, SECONDS)
            loop.run_in_executor(None, time.sleep, SECONDS)
