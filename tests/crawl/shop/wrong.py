"""A project whose declaration is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scrapy.http import Response

from scrapy_snapshot_pipeline import snapshot
from tests.crawl.shop.one_page import OnePageSpider


@snapshot(key="skew")
@dataclass
class Misspelt:
    """Has no field with the name of its key."""

    sku: str


class WrongSpider(OnePageSpider):
    """Would yield one item."""

    name = "many"

    def parse(self, _: Response) -> Iterator[Misspelt]:
        """Never called."""
        yield Misspelt("a")
