"""The HTML of the bookmakers' pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape

from bookmakers.site.offers import BOOKMAKERS, VISITS, Bookmaker, Fixture, Market

_TITLES = {
    "1X2": "Match result",
    "over_under_2.5": "Over/under 2.5 goals",
    "asian_handicap": "Asian handicap",
}
_STYLE = """\
body { font-family: sans-serif; margin: 2em auto; max-width: 40em; color: #222 }
table { border-collapse: collapse; margin: .5em 0 1.5em }
th, td { border-bottom: 1px solid #ddd; padding: .3em 1em .3em 0; text-align: left }
td.price { font-variant-numeric: tabular-nums }
nav a { margin-right: 1em }"""


def home_page() -> str:
    """The page with links to every bookmaker on every visit."""
    links = "\n".join(
        f'<li><a href="/{visit}/{bookmaker.slug}/">{escape(bookmaker.name)}, {visit} odds</a></li>'
        for bookmaker in BOOKMAKERS
        for visit in VISITS
    )
    return _page("Bookmakers", f"<h1>Bookmakers</h1>\n<ul>\n{links}\n</ul>")


def fixtures_page(
    bookmaker: Bookmaker, visit: str, fixtures: Sequence[Fixture], page: int, pages: int
) -> str:
    """One page of the fixture list; `page` counts from 1."""
    rows = "\n".join(_fixture_row(fixture) for fixture in fixtures)
    title = f"{bookmaker.name}: Premier League 2023/24"
    return _page(
        title,
        f"<h1>{escape(title)}</h1>\n<p>{visit.capitalize()} odds, page {page} of {pages}</p>\n"
        f'<table class="fixtures">\n<tr><th>Kick-off</th><th>Match</th></tr>\n{rows}\n</table>\n'
        f"<nav>{_paging(page, pages)}</nav>",
    )


def match_page(
    bookmaker: Bookmaker, visit: str, fixture: Fixture, markets: Iterable[Market]
) -> str:
    """The page of one match, with the markets that the bookmaker offers."""
    home, away = escape(fixture.home_team), escape(fixture.away_team)
    sections = "\n".join(_market_section(market) for market in markets)
    return _page(
        f"{fixture.home_team} v {fixture.away_team}: {bookmaker.name}",
        f'<article class="match" data-match="{escape(fixture.slug)}" '
        f'data-bookmaker="{escape(bookmaker.name)}">\n'
        f'<h1><span class="home">{home}</span> v <span class="away">{away}</span></h1>\n'
        f"<p>{escape(bookmaker.name)}, {visit} odds. Kick-off {_time(fixture)}</p>\n"
        f'{sections}\n</article>\n<nav><a href="../">All matches</a></nav>',
    )


def not_found_page() -> str:
    """The page for an address that does not exist."""
    return _page("Not found", '<h1>Not found</h1>\n<p><a href="/">All bookmakers</a></p>')


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _fixture_row(fixture: Fixture) -> str:
    teams = escape(f"{fixture.home_team} v {fixture.away_team}")
    link = f'<a href="match/{escape(fixture.slug)}">{teams}</a>'
    return f"<tr><td>{_time(fixture)}</td><td>{link}</td></tr>"


def _time(fixture: Fixture) -> str:
    shown = f"{fixture.kickoff:%d %B %Y, %H:%M}"
    return f'<time datetime="{fixture.kickoff.isoformat()}">{shown}</time>'


def _paging(page: int, pages: int) -> str:
    previous = f'<a rel="prev" href="?page={page - 1}">Previous</a>' if page > 1 else ""
    following = f'<a rel="next" href="?page={page + 1}">Next</a>' if page < pages else ""
    return previous + following


def _market_section(market: Market) -> str:
    line = "" if market.line is None else _line(market.line)
    heads = "".join(f"<th>{outcome.capitalize()}</th>" for outcome, _ in market.prices)
    cells = "".join(
        f'<td class="price" data-outcome="{outcome}">{Decimal(price):.2f}</td>'
        for outcome, price in market.prices
    )
    return (
        f'<section class="market" data-market="{escape(market.name)}">\n'
        f"<h2>{_TITLES[market.name]}</h2>\n{line}"
        f"<table>\n<tr>{heads}</tr>\n<tr>{cells}</tr>\n</table>\n</section>"
    )


def _line(line: str) -> str:
    return f'<p>Home team starts with <span class="line">{Decimal(line):+.2f}</span> goals</p>\n'
