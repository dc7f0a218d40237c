"""`scrapy crawl competitor_odds -a visit=opening|closing`: the other bookmakers."""

from __future__ import annotations

from collections.abc import Iterator

from scrapy.http import Response

from bookmakers import pages
from bookmakers.items import CompetitorMarketOdds, CompetitorOddsSnapshot, Match
from bookmakers.visiting import VisitingSpider


class CompetitorOddsSpider(VisitingSpider):
    """Scrapes every match that a competitor offers, with its markets."""

    name = "competitor_odds"
    bookmakers = ("bwin", "interwetten", "pinnacle", "william-hill", "betvictor")

    def parse_match(self, response: Response) -> Iterator[Match]:
        """Yield one item for each page."""
        yield CompetitorOddsSnapshot(
            **pages.match_fields(response), markets=pages.markets(response, CompetitorMarketOdds)
        )
