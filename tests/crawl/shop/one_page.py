"""The base of most spiders here: all items come from one response."""

from __future__ import annotations

from collections.abc import AsyncIterator

import scrapy


class OnePageSpider(scrapy.Spider):
    """Fetches one page; a `data:` URL needs no server and works in every reactor mode."""

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """Request the page."""
        yield scrapy.Request("data:,page")
