"""The spider of the fault tests, which looks at the same entities again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, ClassVar

import scrapy
from scrapy.http import Response

from tests.faults.shop.items import Ticker, ticker

LOOKS_ALIKE = 2
"""The number of consecutive looks that see the same content."""


class LooksSpider(scrapy.Spider):
    """Yields the same `entities` tickers on every page, until the file `enough` exists.

    `first` is the number of the first look, so that a second crawl may go on where one ended.
    `shard` keeps the entities of two crawls apart.
    """

    name = "looks"
    entities = "10"
    first = "0"
    shard = "a"
    most = "20000"
    custom_settings: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "DOWNLOAD_DELAY": 0.01,
        "RANDOMIZE_DOWNLOAD_DELAY": False,
        "EXTENSIONS": {
            "scrapy.extensions.telnet.TelnetConsole": None,
            "tests.crawl.shop.extensions.StatsFile": 0,
            "tests.faults.shop.witness.Witness": 0,
            "tests.faults.shop.starve.Starve": 0,
        },
    }

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """The first page."""
        yield self._page(int(self.first))

    def parse(self, response: Response, **_: Any) -> Iterator[Ticker | scrapy.Request]:
        """Every entity, and the next page."""
        page = int(response.meta["page"])
        for number in range(int(self.entities)):
            yield ticker(f"{self.shard}{number}", page // LOOKS_ALIKE)
        if page < int(self.most) and not Path("enough").exists():
            yield self._page(page + 1)

    def _page(self, page: int) -> scrapy.Request:
        return scrapy.Request(f"data:,{page}", meta={"page": page}, dont_filter=True)
