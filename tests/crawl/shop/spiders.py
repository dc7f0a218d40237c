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
    """Yields `count` products from one response."""

    name = "many"
    count = "100"

    def parse(self, _: Response) -> Iterator[Product]:
        """Yield one product after the other."""
        yield from map(product, range(int(self.count)))


class StartSpider(scrapy.Spider):
    """Yields `count` products from `start()`, where Scrapy limits nothing.

    The file `yielded` says that the last one was yielded.  With `end` it then raises CloseSpider.
    """

    name = "start"
    count = "100"
    end = ""

    async def start(self) -> AsyncIterator[Product]:
        """Yield all items, without a request."""
        for number in range(int(self.count)):
            yield product(number)
        say("yielded")
        if self.end == "CloseSpider":
            raise CloseSpider("enough")


class EndlessSpider(scrapy.Spider):
    """Follows eight chains of pages with ten products each, until it is stopped."""

    name = "endless"

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Request the first page of each chain."""
        for page in range(8):
            yield self._page(page)

    def parse(self, response: Response) -> Iterator[Product | scrapy.Request]:
        """Yield ten products and the next page."""
        page = int(response.meta["page"])
        yield from map(product, range(page * 10, page * 10 + 10))
        yield self._page(page + 8)

    def _page(self, page: int) -> scrapy.Request:
        return scrapy.Request(f"data:,{page}", meta={"page": page}, dont_filter=True)


class ChainSpider(scrapy.Spider):
    """Follows a chain of 30 pages with a product each; with `end` it stops after that many."""

    name = "chain"
    end = ""

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Request the first page."""
        yield scrapy.Request("data:,0")

    def parse(self, response: Response) -> Iterator[Product | scrapy.Request]:
        """Yield the page's product and the next page."""
        page = int(response.text)
        yield product(page)
        if page + 1 < 30:
            yield scrapy.Request(f"data:,{page + 1}")
        if self.end and page + 1 == int(self.end):
            raise CloseSpider("enough")


class RivalSpider(OnePageSpider):
    """Sees the same entities three times, beside another crawler that has other prices.

    It creates the file `ready` when it is ready, and begins when there is a file `../go`.
    """

    name = "rival"
    price = "1"
    count = "1000"

    def parse(self, _: Response) -> Iterator[Product]:
        """Yield every entity at this crawler's price, then at the next, then at the first again."""
        wait_for_the_other()
        for step in (0, 1, 0):
            price = str(int(self.price) + step)
            for number in range(int(self.count)):
                yield product(number, price)


def say(word: str) -> None:
    """Create an empty file of this name for the test."""
    Path(word).touch()


def wait_for_the_other() -> None:
    """Block the whole process until the test creates the file `../go`."""
    say("ready")
    while not Path("../go").exists():
        time.sleep(0.01)


class PagesSpider(scrapy.Spider):
    """Fetches `pages` pages over HTTP from the site at `site`."""

    name = "pages"
    site = ""
    pages = "1"

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Request every page."""
        for page in range(int(self.pages)):
            yield scrapy.Request(f"{self.site}/{page}")

    def parse(self, response: Response) -> Iterator[Product]:
        """Yield a product for each line."""
        for line in response.text.splitlines():
            sku, name = line.split(";")
            yield Product(sku=sku, name=name, offers=[])
