"""Reads a bookmaker's pages: what both spiders share."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TypedDict, TypeVar
from zoneinfo import ZoneInfo

from parsel import Selector, SelectorList
from scrapy.http import Response

from bookmakers.items import Market

# The pages state kick-off in the local time of the ground, without an offset.
_UK = ZoneInfo("Europe/London")

MarketT = TypeVar("MarketT", bound=Market)


class MatchFields(TypedDict):
    """The fields of `items.Match`."""

    match: str
    bookmaker: str
    home_team: str
    away_team: str
    kickoff: datetime
    url: str


def match_links(response: Response) -> list[str]:
    """The links to the matches on a page of the fixture list."""
    return response.css("table.fixtures a::attr(href)").getall()


def next_page_links(response: Response) -> list[str]:
    """The link to the next page of the fixture list; none on the last page."""
    return response.css("a[rel=next]::attr(href)").getall()


def match_fields(response: Response) -> MatchFields:
    """What a match's page says about the match itself."""
    page = response.css("article.match")
    return {
        "match": page.attrib["data-match"],
        "bookmaker": page.attrib["data-bookmaker"],
        "home_team": _text(page, ".home::text"),
        "away_team": _text(page, ".away::text"),
        "kickoff": _kickoff(_text(page, "time::attr(datetime)")),
        "url": response.url,
    }


def markets(response: Response, market_class: type[MarketT]) -> list[MarketT]:
    """The markets on a match's page, each as a `market_class`."""
    return [_market(section, market_class) for section in response.css("section.market")]


def _market(section: Selector, market_class: type[MarketT]) -> MarketT:
    prices = {
        cell.attrib["data-outcome"]: Decimal(_text(cell, "::text"))
        for cell in section.css("td.price")
    }
    line = section.css(".line::text").get()
    return market_class(
        market=section.attrib["data-market"],
        line=None if line is None else Decimal(line),
        price_home=prices.get("home"),
        price_draw=prices.get("draw"),
        price_away=prices.get("away"),
        price_over=prices.get("over"),
        price_under=prices.get("under"),
    )


def _kickoff(local: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=_UK)


def _text(where: Selector | SelectorList[Selector], css: str) -> str:
    """The first match of `css`; a page without it has another layout, which is an error."""
    found = where.css(css).get()
    if found is None:
        raise ValueError(f"the page has no {css!r}: its layout changed; adapt bookmakers/pages.py")
    return found.strip()
