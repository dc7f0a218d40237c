"""What a crawl of the benchmark does, and the figures that it gives.

Pages are `data:` URLs, so that the crawl itself costs next to nothing, or come from
`benchmarks.site`.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response
from scrapy.utils.asyncio import call_later
from twisted.python.failure import Failure

from benchmarks.items import Event, event

_BEAT = 0.002
"""Seconds between two looks at the clock, of which the longest gap is the reactor's pause."""


@dataclass(frozen=True)
class Plan:
    """What to crawl."""

    items: int
    per_page: int
    children: int
    settings: dict[str, Any] = field(default_factory=dict)
    first: int = 0
    """Number of the first entity."""
    site: str = ""
    """URL of the site; empty: `data:` URLs."""


@dataclass(frozen=True)
class Figures:
    """What a crawl took."""

    seconds: float
    """From the spider's opening to the reactor's end, so with all flushing."""
    stored: int
    """Items of which the pipeline has an outcome other than failed."""
    reactor_cpu: float
    """Seconds of the reactor thread."""
    other_cpu: float
    """Seconds of all other threads."""
    pause: float
    """Longest time in seconds for which the reactor did nothing else."""
    memory: int
    """Most bytes resident."""

    def rate(self, items: int) -> float:
        """Items a second."""
        return items / self.seconds


class EventSpider(scrapy.Spider):
    """Yields the events of its plan."""

    name = "events"
    plan: Plan
    tell: Callable[[Figures], object]

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """One request a page."""
        plan = self.plan
        for first in range(plan.first, plan.first + plan.items, plan.per_page):
            url = f"{plan.site}/{first}" if plan.site else f"data:,{first}"
            yield scrapy.Request(url, dont_filter=True, cb_kwargs={"first": first})

    def parse(self, response: Response, first: int) -> Iterator[Event]:
        """As many items as a page holds."""
        if self.plan.site:
            response.css("a::attr(href)").getall()
        for number in range(first, first + self.plan.per_page):
            yield event(number, self.plan.children)


class Watch:
    """A Scrapy extension that looks at the clocks."""

    def __init__(self, crawler: Any) -> None:
        self._stats = crawler.stats
        self._tell = crawler.spidercls.tell
        self._started = self._reactor_cpu = self._process_cpu = self._last = 0.0
        self._pause = 0.0
        crawler.signals.connect(self._opened, scrapy.signals.spider_opened)
        crawler.signals.connect(self._stopped, scrapy.signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: Any) -> Watch:
        """Called by Scrapy."""
        return cls(crawler)

    def _opened(self) -> None:
        self._started = self._last = time.perf_counter()
        self._reactor_cpu, self._process_cpu = time.thread_time(), time.process_time()
        self._beat()

    def _beat(self) -> None:
        now = time.perf_counter()
        self._pause, self._last = max(self._pause, now - self._last - _BEAT), now
        call_later(_BEAT, self._beat)

    def _stopped(self) -> None:
        reactor_cpu = time.thread_time() - self._reactor_cpu
        outcomes = ("inserted", "revised", "confirmed", "coalesced")
        figures = Figures(
            seconds=time.perf_counter() - self._started,
            stored=sum(self._stats.get_value(f"snapshots/{name}", 0) for name in outcomes),
            reactor_cpu=reactor_cpu,
            other_cpu=time.process_time() - self._process_cpu - reactor_cpu,
            pause=self._pause,
            memory=_peak_memory(),
        )
        self._tell(figures)


def _peak_memory() -> int:
    """Of this process: `ru_maxrss` has that of the one which started it too."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    [peak] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(peak.split()[1]) * 1024


def crawl_alone(plan: Plan, errors: Path, told: Connection) -> None:
    """Crawl, and tell the figures at the end; for a process of its own.

    `errors` gets what is written to standard error.
    """
    gc.collect()  # so that the pages are copied now that are shared with the parent process
    os.environ["HOME"] = str(errors.parent)
    with errors.open("w") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
        _crawl(plan, told.send)


def _crawl(plan: Plan, tell: Callable[[Figures], object]) -> None:
    settings = {
        "LOG_LEVEL": "ERROR",
        "TELNETCONSOLE_ENABLED": False,
        "EXTENSIONS": {Watch: 0},
        "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
        **plan.settings,
    }
    process = CrawlerProcess(settings)
    spider = type("_EventSpider", (EventSpider,), {"plan": plan, "tell": staticmethod(tell)})
    process.crawl(spider).addErrback(Failure.printTraceback)
    process.start()
