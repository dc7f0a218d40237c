"""One of many crawlers that see the same shop at the same time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import scrapy

from tests.crawl.shop.items import Offer, Product
from tests.crawl.shop.spiders import say


def content(number: int, look: int) -> int:
    """What a product shows at a look: every second one changes with each."""
    return (look + number % 2) // 2


def offers(content: int) -> list[Offer]:
    """Three shops: one has always the same price, and one has no offer half of the time."""
    sometimes = [Offer("east", Decimal(1))] if content % 2 else []
    return [Offer("north", Decimal(10 + content)), Offer("south", Decimal(5)), *sometimes]


class CrowdSpider(scrapy.Spider):
    """Sees all products once at each of its looks, in an order of its own.

    It creates the file `ready-N` when it is ready for look N, and begins it when there is a file
    `../go-N`.  After `contents` others a product shows the same content again.
    """

    name = "crowd"
    number = "0"
    first = "0"
    looks = "1"
    count = "100"
    contents = "9999"

    async def start(self) -> AsyncIterator[Product]:
        """All looks."""
        for done in range(int(self.looks)):
            look = int(self.first) + done
            await self._acknowledged(done)
            say(f"ready-{look}")
            await until(Path(f"../go-{look}").exists)
            for number in self._order(look):
                shown = content(number, look) % int(self.contents)
                yield Product(f"sku-{number:06}", f"Look {shown}", offers(shown))
        await self._acknowledged(int(self.looks))  # or Scrapy would notice its end seconds later

    def _order(self, look: int) -> list[int]:
        numbers = list(range(int(self.count)))
        random.Random(f"{self.number} {look}").shuffle(numbers)  # noqa: S311 - an order
        return numbers

    async def _acknowledged(self, looks: int) -> None:
        """Wait until all items of so many looks are: none of them is captured in a later one."""
        items = looks * int(self.count)
        stats = self.crawler.stats
        await until(lambda: stats.get_value("item_scraped_count", 0) >= items)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    while not condition():  # noqa: ASYNC110 - another process makes it true
        await asyncio.sleep(0.01)
