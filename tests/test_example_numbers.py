"""The known numbers, from the data alone: none of the example's own code is used here."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from tests.example_numbers import KNOWN

CSV_FILE = (
    Path(__file__).resolve().parent.parent / "example_project/data/premier_league_2023_24_odds.csv"
)

Offers = dict[tuple[str, str], dict[str, tuple[Decimal, ...]]]


def expected_counts(opening: Offers, closing: Offers) -> dict[str, dict[str, int]]:
    """What a crawl of each visit must do, the opening one into an empty database."""
    both = opening.keys() & closing.keys()
    return {
        "opening": {
            "inserted": len(opening),
            "written": sum(len(markets) for markets in opening.values()),
        },
        "closing": {
            "inserted": len(closing.keys() - opening.keys()),
            "revised": sum(opening[entity] != closing[entity] for entity in both),
            "confirmed": sum(opening[entity] == closing[entity] for entity in both),
            "unseen": len(opening.keys() - closing.keys()),
            "written": unmatched(closing, opening, both),
            "ended": unmatched(opening, closing, both),
        },
    }


def unmatched(these: Offers, others: Offers, entities: set[tuple[str, str]]) -> int:
    """How many markets of `these` are not, or not the same, among the `others`."""
    return sum(
        others[entity].get(market) != values
        for entity in entities
        for market, values in these[entity].items()
    )


def offers_in_file(books: dict[str, str], closing: str) -> Offers:
    """The matches that these books offer; `closing` is `C` for the closing visit."""
    with CSV_FILE.open(encoding="utf-8", newline="") as lines:
        found = {
            (f"{row['HomeTeam']} {row['AwayTeam']}", book): markets_in_row(
                row, book, goals, closing
            )
            for row in csv.DictReader(lines)
            for book, goals in books.items()
        }
    return {entity: markets for entity, markets in found.items() if markets}


def markets_in_row(
    row: dict[str, str], book: str, goals: str, closing: str
) -> dict[str, tuple[Decimal, ...]]:
    """The markets whose cells are all filled."""
    columns = {"1X2": [f"{book}{closing}{outcome}" for outcome in "HDA"]}
    if goals:
        columns["over_under_2.5"] = [f"{goals}{closing}{side}2.5" for side in "><"]
        columns["asian_handicap"] = [
            f"AH{closing}h",
            f"{goals}{closing}AHH",
            f"{goals}{closing}AHA",
        ]
    return {
        market: tuple(Decimal(row[name]) for name in names)
        for market, names in columns.items()
        if all(row[name] for name in names)
    }


@pytest.mark.parametrize(
    ("spider", "books"),
    [
        ("odds", {"B365": "B365"}),
        ("competitor_odds", {"BW": "", "IW": "", "PS": "P", "WH": "", "VC": ""}),
    ],
)
def test_known_numbers_follow_from_the_file(spider: str, books: dict[str, str]) -> None:
    """What the crawls are held to is what the file says, counted without the example's code."""
    counts = expected_counts(offers_in_file(books, ""), offers_in_file(books, "C"))
    for visit, counted in counts.items():
        assert {name: count for name, count in counted.items() if count} == KNOWN[spider, visit]
