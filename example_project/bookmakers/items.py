"""What the spiders yield: one class for our own bookmaker, one for the competitors.

An entity is a match at a bookmaker, and its markets are its children.  Every field except `url` is
tracked: a change of a price makes a new version, and only the market that moved is written.

A market has a column for each price instead of one JSON object, so that questions about prices
are plain SQL (`WHERE price_home > 2`).  A price that the market does not have is NULL.  The
handicap's line is a value and not part of the key, since it moves and its history is worth having.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from scrapy_snapshot_pipeline import snapshot


@dataclass
class Market:
    """The prices of one market; decimal odds, None where the market has no such outcome."""

    market: str
    line: Decimal | None
    price_home: Decimal | None
    price_draw: Decimal | None
    price_away: Decimal | None
    price_over: Decimal | None
    price_under: Decimal | None


@dataclass
class Match:
    """One match at one bookmaker, as its page shows it."""

    # Each pairing is played once a season at each ground.  With more than one season, the season
    # belongs in this key as well.
    match: str
    bookmaker: str
    home_team: str
    away_team: str
    kickoff: datetime
    url: str


@snapshot(key="market")
@dataclass
class MarketOdds(Market):
    """A market of our own bookmaker: table `odds_snapshot_markets`."""


@snapshot(key=("match", "bookmaker"), untracked=("url",))
@dataclass
class OddsSnapshot(Match):
    """A match at our own bookmaker: table `odds_snapshot`."""

    markets: list[MarketOdds]


@snapshot(key="market")
@dataclass
class CompetitorMarketOdds(Market):
    """A market of a competitor: table `competitor_odds_snapshot_markets`."""


@snapshot(key=("match", "bookmaker"), untracked=("url",))
@dataclass
class CompetitorOddsSnapshot(Match):
    """A match at a competitor: table `competitor_odds_snapshot`."""

    markets: list[CompetitorMarketOdds]
