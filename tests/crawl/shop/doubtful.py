"""Items of which a crawl should warn; tests choose this spider with SPIDER_MODULES."""

from __future__ import annotations

from collections.abc import Iterator

from scrapy.http import Response

from tests.crawl.shop.one_page import OnePageSpider


class DoubtfulSpider(OnePageSpider):
    """Yields two things with one key, and one thing by itself."""

    name = "doubtful"

    def parse(self, _: Response) -> Iterator[dict[str, object]]:
        """Yield them."""
        yield {"id": "1", "price": 10, "scraped_at": 1}
        yield {"id": "1", "price": 20, "scraped_at": 2}
        yield {"id": "2", "price": 30, "scraped_at": 3}
