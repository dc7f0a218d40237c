"""The way through a bookmaker's site, which both spiders follow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import ClassVar

import scrapy
from scrapy.http import Request, Response

from bookmakers import pages
from bookmakers.items import Match

VISITS = ("opening", "closing")


class VisitingSpider(scrapy.Spider):
    """Visits fixture lists and matches; a subclass names the bookmakers and makes the items."""

    bookmakers: ClassVar[tuple[str, ...]]
    """The bookmakers to visit, as their names are written in the site's URLs."""

    site_url: str = ""
    """Where the bookmakers are; `bookmakers.site.extension` sets it before the first request."""

    def __init__(self, visit: str = "opening", **kwargs: str) -> None:
        """`visit` is `opening` (days before the matches) or `closing` (just before kick-off)."""
        if visit not in VISITS:
            raise ValueError(
                f"there is no visit {visit!r}: use -a visit=opening or -a visit=closing"
            )
        super().__init__(**kwargs)
        self.visit = visit

    async def start(self) -> AsyncIterator[Request]:
        """Request the first page of each bookmaker's fixture list."""
        for bookmaker in self.bookmakers:
            url = f"{self.site_url}/{self.visit}/{bookmaker}/"
            yield Request(url, callback=self.parse_fixtures)

    def parse_fixtures(self, response: Response) -> Iterator[Request]:
        """Follow the links of a page of the fixture list."""
        links = pages.match_links(response)
        yield from response.follow_all(links, callback=self.parse_match)
        following = pages.next_page_links(response)
        yield from response.follow_all(following, callback=self.parse_fixtures)

    def parse_match(self, response: Response) -> Iterator[Match]:
        """Make an item of a match's page."""
        raise NotImplementedError
