"""`scrapy crawl competitor_odds -a visit=opening|closing`: the other bookmakers."""

from __future__ import annotations

from collections.abc import Iterator

from scrapy.http import Response

from bookmakers import pages
from bookmakers.items import CompetitorMarketOdds, CompetitorOddsSnapshot, Match
from bookmakers.visiting import VisitingSpider


class CompetitorOddsSpider(VisitingSpider):
    """Every match that a competitor offers, with its markets."""

    name = "competitor_odds"
    bookmakers = ("bwin", "interwetten", "pinnacle", "william-hill", "betvictor")

    def parse_match(self, response: Response) -> Iterator[Match]:
        """One item a page."""
        yield CompetitorOddsSnapshot(
            **pages.match_fields(response), markets=pages.markets(response, CompetitorMarketOdds)
        )
