"""Which page is at which path.  Pure, so that it can be tested without a server.

* `/`: all bookmakers
* `/<visit>/<bookmaker>/?page=2`: the fixture list, 20 matches a page
* `/<visit>/<bookmaker>/match/<match>`: one match
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from bookmakers.site import html
from bookmakers.site.offers import BOOKMAKERS, VISITS, Bookmaker, Fixture, Market, offered_markets

PAGE_SIZE = 20

_Offer = dict[str, tuple[Fixture, tuple[Market, ...]]]


class Site:
    """All pages of all bookmakers; read-only after construction, so any thread may use it."""

    def __init__(self, fixtures: Iterable[Fixture]) -> None:
        fixtures = tuple(fixtures)
        self._bookmakers = {bookmaker.slug: bookmaker for bookmaker in BOOKMAKERS}
        self._offers = {
            (visit, bookmaker.slug): _offer(fixtures, bookmaker, visit)
            for visit in VISITS
            for bookmaker in BOOKMAKERS
        }

    def page(self, target: str) -> str | None:
        """The HTML at a request's target (path and query); None: there is no such page."""
        url = urlsplit(target)
        match url.path.split("/")[1:]:
            case [""]:
                return html.home_page()
            case [visit, slug, ""]:
                return self._fixtures(visit, slug, url.query)
            case [visit, slug, "match", match_slug]:
                return self._match(visit, slug, match_slug)
        return None

    def _fixtures(self, visit: str, slug: str, query: str) -> str | None:
        offer = self._offers.get((visit, slug))
        number = parse_qs(query).get("page", ["1"])[0]
        if offer is None or not number.isdecimal():
            return None
        fixtures = [fixture for fixture, _ in offer.values()]
        page, pages = int(number), -(-len(fixtures) // PAGE_SIZE)
        if not 1 <= page <= pages:
            return None
        shown = fixtures[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        return html.fixtures_page(self._bookmakers[slug], visit, shown, page, pages)

    def _match(self, visit: str, slug: str, match_slug: str) -> str | None:
        offer = self._offers.get((visit, slug), {})
        if match_slug not in offer:
            return None
        return html.match_page(self._bookmakers[slug], visit, *offer[match_slug])


def _offer(fixtures: Iterable[Fixture], bookmaker: Bookmaker, visit: str) -> _Offer:
    # A match without any market is not on the bookmaker's site.
    markets = {
        fixture.slug: (fixture, offered_markets(fixture, bookmaker, visit)) for fixture in fixtures
    }
    return {slug: offered for slug, offered in markets.items() if offered[1]}
