"""Spiders for the tests."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import scrapy
from scrapy.exceptions import CloseSpider
from scrapy.http import Response

from tests.crawl.shop.items import Product, product
from tests.crawl.shop.one_page import OnePageSpider


class ManySpider(OnePageSpider):
    """Yields `count` products, from 0, out of one response."""

    name = "many"
    count = "100"

    def parse(self, _: Response) -> Iterator[Product]:
        """One item after the other."""
        yield from map(product, range(int(self.count)))


class StartSpider(scrapy.Spider):
    """Yields `count` products from `start()`, where Scrapy limits nothing; then may `end`.

    The file `yielded` says that it has yielded the last one.
    """

    name = "start"
    count = "100"
    end = ""

    async def start(self) -> AsyncIterator[Product]:
        """All items, with no request."""
        for number in range(int(self.count)):
            yield product(number)
        say("yielded")
        if self.end == "CloseSpider":
            raise CloseSpider("enough")


class EndlessSpider(scrapy.Spider):
    """Follows eight chains of pages with ten products each, until it is stopped."""

    name = "endless"

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """The first page of each chain."""
        for page in range(8):
            yield self._page(page)

    def parse(self, response: Response) -> Iterator[Product | scrapy.Request]:
        """Ten products and the next page."""
        page = int(response.meta["page"])
        yield from map(product, range(page * 10, page * 10 + 10))
        yield self._page(page + 8)

    def _page(self, page: int) -> scrapy.Request:
        return scrapy.Request(f"data:,{page}", meta={"page": page}, dont_filter=True)


class RivalSpider(OnePageSpider):
    """Sees the same entities three times, at prices of its own, beside another crawler.

    It says with the file `ready` that it is there, and begins when the file `../go` is.
    """

    name = "rival"
    price = "1"
    count = "1000"

    def parse(self, _: Response) -> Iterator[Product]:
        """Every entity at this crawler's price, then at the next, then at the first again."""
        wait_for_the_other()
        for step in (0, 1, 0):
            price = str(int(self.price) + step)
            for number in range(int(self.count)):
                yield product(number, price)


def say(word: str) -> None:
    """Leave an empty file of this name for the test."""
    Path(word).touch()


def wait_for_the_other() -> None:
    """Hold this process; nothing else is to happen in it."""
    say("ready")
    while not Path("../go").exists():
        time.sleep(0.01)


class PagesSpider(scrapy.Spider):
    """Fetches `pages` pages over HTTP from the site at `site`."""

    name = "pages"
    site = ""
    pages = "1"

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Every page."""
        for page in range(int(self.pages)):
            yield scrapy.Request(f"{self.site}/{page}")

    def parse(self, response: Response) -> Iterator[Product]:
        """A product a line."""
        for line in response.text.splitlines():
            sku, name = line.split(";")
            yield Product(sku=sku, name=name, offers=[])
