"""What most of the spiders are: one response, out of which come all items."""

from __future__ import annotations

from collections.abc import AsyncIterator

import scrapy


class OnePageSpider(scrapy.Spider):
    """Fetches one page; a `data:` URL needs no server and works in every reactor mode."""

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """The page."""
        yield scrapy.Request("data:,page")
