"""What each bookmaker offered on each visit, read from the season's CSV file."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

CSV_FILE = Path(__file__).resolve().parents[2] / "data" / "premier_league_2023_24_odds.csv"

VISITS = ("opening", "closing")
_CLOSING_MARK = {"opening": "", "closing": "C"}


@dataclass(frozen=True)
class Bookmaker:
    """One bookmaker and where its odds are in the file."""

    slug: str
    """Its name in URLs."""
    name: str
    result_columns: str
    """Prefix of its match result columns."""
    goals_columns: str | None = None
    """Prefix of its over/under and handicap columns; None: the file has none of these."""


BOOKMAKERS = (
    Bookmaker("bet365", "Bet365", "B365", "B365"),
    Bookmaker("bwin", "bwin", "BW"),
    Bookmaker("interwetten", "Interwetten", "IW"),
    Bookmaker("pinnacle", "Pinnacle", "PS", "P"),
    Bookmaker("william-hill", "William Hill", "WH"),
    Bookmaker("betvictor", "BetVictor", "VC"),
)


@dataclass(frozen=True)
class Market:
    """One market with all its prices, as written in the file."""

    name: str
    prices: tuple[tuple[str, str], ...]
    """(outcome, decimal odds)."""
    line: str | None = None
    """Goals added to the home team, in the handicap only."""


@dataclass(frozen=True)
class Fixture:
    """One match and its row of the file."""

    slug: str
    home_team: str
    away_team: str
    kickoff: datetime
    """UK local time, naive, as bookmakers show it."""
    cells: Mapping[str, str]


def read_fixtures(file: Path = CSV_FILE) -> tuple[Fixture, ...]:
    """All matches of the season, in order of the file."""
    with file.open(encoding="utf-8", newline="") as lines:
        return tuple(_fixture(row) for row in csv.DictReader(lines))


def offered_markets(fixture: Fixture, bookmaker: Bookmaker, visit: str) -> tuple[Market, ...]:
    """The markets that are complete: every price is known, and so is the line of a handicap."""
    markets = (
        _result(fixture, bookmaker, visit),
        _goals(fixture, bookmaker, visit),
        _handicap(fixture, bookmaker, visit),
    )
    return tuple(market for market in markets if market is not None)


def _fixture(row: Mapping[str, str]) -> Fixture:
    home, away = row["HomeTeam"], row["AwayTeam"]
    kickoff = datetime.strptime(f"{row['Date']} {row['Time']}", "%d/%m/%Y %H:%M")  # noqa: DTZ007
    return Fixture(_slug(f"{home} {away}"), home, away, kickoff, row)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("'", ""))


def _result(fixture: Fixture, bookmaker: Bookmaker, visit: str) -> Market | None:
    prefix = bookmaker.result_columns + _CLOSING_MARK[visit]
    columns = {"home": f"{prefix}H", "draw": f"{prefix}D", "away": f"{prefix}A"}
    return _market(fixture, "1X2", columns)


def _goals(fixture: Fixture, bookmaker: Bookmaker, visit: str) -> Market | None:
    if bookmaker.goals_columns is None:
        return None
    prefix = bookmaker.goals_columns + _CLOSING_MARK[visit]
    return _market(fixture, "over_under_2.5", {"over": f"{prefix}>2.5", "under": f"{prefix}<2.5"})


def _handicap(fixture: Fixture, bookmaker: Bookmaker, visit: str) -> Market | None:
    line = fixture.cells[f"AH{_CLOSING_MARK[visit]}h"]
    if bookmaker.goals_columns is None or not line:
        return None
    prefix = bookmaker.goals_columns + _CLOSING_MARK[visit]
    return _market(
        fixture, "asian_handicap", {"home": f"{prefix}AHH", "away": f"{prefix}AHA"}, line
    )


def _market(
    fixture: Fixture, name: str, columns: Mapping[str, str], line: str | None = None
) -> Market | None:
    prices = tuple((outcome, fixture.cells[column]) for outcome, column in columns.items())
    if not all(price for _, price in prices):
        return None
    return Market(name, prices, line)
