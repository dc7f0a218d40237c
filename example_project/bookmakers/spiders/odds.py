"""`scrapy crawl odds -a visit=opening|closing`: our own bookmaker."""

from __future__ import annotations

from collections.abc import Iterator

from scrapy.http import Response

from bookmakers import pages
from bookmakers.items import MarketOdds, Match, OddsSnapshot
from bookmakers.visiting import VisitingSpider


class OddsSpider(VisitingSpider):
    """Scrapes every match that we offer, with its markets."""

    name = "odds"
    bookmakers = ("bet365",)

    def parse_match(self, response: Response) -> Iterator[Match]:
        """Yield one item for each page."""
        yield OddsSnapshot(
            **pages.match_fields(response), markets=pages.markets(response, MarketOdds)
        )
