"""The example project's pages, and how the spiders read them."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from scrapy.http import HtmlResponse

EXAMPLE = Path(__file__).resolve().parent.parent / "example_project"
sys.path.insert(0, str(EXAMPLE))

from bookmakers import pages  # noqa: E402
from bookmakers.items import MarketOdds  # noqa: E402
from bookmakers.site.offers import (  # noqa: E402
    BOOKMAKERS,
    offered_markets,
    read_fixtures,
)
from bookmakers.site.routes import Site  # noqa: E402
from bookmakers.spiders.odds import OddsSpider  # noqa: E402


@pytest.fixture(scope="module")
def site() -> Site:
    """All pages; nothing changes it."""
    return Site(read_fixtures())


def response(site: Site, target: str) -> HtmlResponse:
    """What a spider would get from this path."""
    html = site.page(target)
    assert html is not None
    return HtmlResponse(f"http://127.0.0.1{target}", body=html.encode(), encoding="utf-8")


def test_fixture_list_links_twenty_matches_and_the_next_page(site: Site) -> None:
    """A page of the list has 20 matches and leads to the next."""
    page = response(site, "/opening/bet365/?page=2")
    assert len(pages.match_links(page)) == 20
    assert pages.next_page_links(page) == ["?page=3"]


def test_last_page_of_the_fixture_list_has_no_next(site: Site) -> None:
    """19 pages hold all 380 matches, and the last one ends the walk."""
    assert pages.next_page_links(response(site, "/closing/bet365/?page=19")) == []


def test_match_page_gives_back_the_row_of_the_file(site: Site) -> None:
    """Teams, kick-off with its zone, and every market with exact prices are read from the page."""
    page = response(site, "/opening/bet365/match/arsenal-nottm-forest")
    assert pages.match_fields(page) == {
        "match": "arsenal-nottm-forest",
        "bookmaker": "Bet365",
        "home_team": "Arsenal",
        "away_team": "Nott'm Forest",
        "kickoff": datetime(2023, 8, 12, 11, 30, tzinfo=timezone.utc),
        "url": "http://127.0.0.1/opening/bet365/match/arsenal-nottm-forest",
    }
    assert pages.markets(page, MarketOdds) == [
        odds("1X2", home="1.18", draw="7", away="15"),
        odds("over_under_2.5", over="1.44", under="2.75"),
        odds("asian_handicap", line="-2", home="1.88", away="2.02"),
    ]


def odds(market: str, line: str | None = None, **prices: str) -> MarketOdds:
    """A market with these prices and no other."""
    names = ("home", "draw", "away", "over", "under")
    given = {f"price_{name}": Decimal(prices[name]) if name in prices else None for name in names}
    return MarketOdds(market=market, line=None if line is None else Decimal(line), **given)


def test_closing_page_shows_the_closing_odds(site: Site) -> None:
    """The visit in the URL decides which observation the page shows."""
    page = response(site, "/closing/bet365/match/brighton-luton")
    assert pages.markets(page, MarketOdds)[2] == odds(
        "asian_handicap", line="-1.75", home="2.01", away="1.92"
    )


@pytest.mark.parametrize(
    "target",
    [
        "/nothing",
        "/noon/bet365/",
        "/opening/nobody/",
        "/opening/bet365/?page=20",
        "/opening/bet365/?page=0",
        "/opening/bet365/?page=x",
        "/opening/bet365/match/nobody-nowhere",
        "/opening/bwin/match/everton-brighton",
    ],
)
def test_page_that_is_not_there(site: Site, target: str) -> None:
    """A wrong path, and a match that the bookmaker does not offer, have no page."""
    assert site.page(target) is None


@pytest.mark.parametrize("column", ["AHh", "B365AHH", "B365AHA"])
def test_market_with_a_missing_cell_is_not_offered(column: str) -> None:
    """A handicap without its line or one of its prices is on no page."""
    fixture = read_fixtures()[0]
    incomplete = replace(fixture, cells={**fixture.cells, column: ""})
    names = [market.name for market in offered_markets(incomplete, BOOKMAKERS[0], "opening")]
    assert names == ["1X2", "over_under_2.5"]


def test_page_with_another_layout_is_an_error() -> None:
    """A page without the expected parts says so, instead of giving an empty item."""
    page = HtmlResponse(
        "http://127.0.0.1/",
        body=b'<article class="match" data-match="a" data-bookmaker="b"></article>',
        encoding="utf-8",
    )
    with pytest.raises(ValueError, match="layout changed"):
        pages.match_fields(page)


def test_unknown_visit_is_refused() -> None:
    """A visit that the site does not have stops the spider before its first request."""
    with pytest.raises(ValueError, match="use -a visit=opening or -a visit=closing"):
        OddsSpider(visit="noon")
