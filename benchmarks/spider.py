"""What a crawl of the benchmark does, and the figures that it gives.

Pages are `data:` URLs, so that the crawl itself costs next to nothing, or those of
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
"""Seconds between two looks at the clock; the longest gap is the longest pause of the reactor."""


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
    """From the opening of the spider to the end of the reactor, which includes all flushing."""
    stored: int
    """Items that the pipeline has stored or confirmed."""
    reactor_cpu: float
    """Seconds of the reactor thread."""
    other_cpu: float
    """Seconds of all other threads."""
    pause: float
    """The longest pause of the reactor, in seconds."""
    memory: int
    """The most bytes of resident memory."""

    def rate(self, items: int) -> float:
        """Items a second."""
        return items / self.seconds


class EventSpider(scrapy.Spider):
    """Yields the events of its plan."""

    name = "events"
    plan: Plan
    report: Callable[[Figures], object]
    """Called with the figures at the end of the crawl."""

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Yield a request for each page."""
        plan = self.plan
        for first in range(plan.first, plan.first + plan.items, plan.per_page):
            url = f"{plan.site}/{first}" if plan.site else f"data:,{first}"
            yield scrapy.Request(url, dont_filter=True, cb_kwargs={"first": first})

    def parse(self, response: Response, first: int) -> Iterator[Event]:
        """Yield as many items as a page has."""
        if self.plan.site:
            response.css("a::attr(href)").getall()
        for number in range(first, first + self.plan.per_page):
            yield event(number, self.plan.children)


class Watch:
    """A Scrapy extension that reads the clocks."""

    def __init__(self, crawler: Any) -> None:
        self._stats = crawler.stats
        self._report = crawler.spidercls.report
        self._started = self._reactor_cpu = self._process_cpu = self._last = 0.0
        self._pause = 0.0
        crawler.signals.connect(self._opened, scrapy.signals.spider_opened)
        crawler.signals.connect(self._stopped, scrapy.signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: Any) -> Watch:
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
        self._report(figures)


def _peak_memory() -> int:
    # `ru_maxrss` would include the memory of the process that started this one.
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    [peak] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(peak.split()[1]) * 1024


def crawl_alone(plan: Plan, errors: Path, figures: Connection) -> None:
    """Crawl in a process of its own, and send the figures at the end.

    `errors` gets what is written to standard error.
    """
    gc.collect()  # copies now the pages that are shared with the parent process
    os.environ["HOME"] = str(errors.parent)
    with errors.open("w") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
        _crawl(plan, figures.send)


def _crawl(plan: Plan, report: Callable[[Figures], object]) -> None:
    settings = {
        "LOG_LEVEL": "ERROR",
        "TELNETCONSOLE_ENABLED": False,
        "EXTENSIONS": {Watch: 0},
        "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
        **plan.settings,
    }
    process = CrawlerProcess(settings)
    spider = type("_EventSpider", (EventSpider,), {"plan": plan, "report": staticmethod(report)})
    process.crawl(spider).addErrback(Failure.printTraceback)
    process.start()
