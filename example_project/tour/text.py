"""What the tour prints: plain text for a terminal with 80 columns."""

from __future__ import annotations

from datetime import datetime

from tour.history import Move, Offer, Run

RUN_HEADER = """\
                           --------- matches ---------------   market rows
spider          visit      seen   new revised unchanged unseen  written  ended"""

QUESTION = """\
SELECT m.market, m.line, m.price_home, m.price_away, m.valid_from, m.valid_to
FROM odds_snapshot_markets AS m
JOIN odds_snapshot AS s ON s.entity_id = m.entity_id AND s.valid_to IS NULL
WHERE s.match = 'liverpool-arsenal'
ORDER BY m.market, m.valid_from"""


def run_label(spider: str, visit: str) -> str:
    """The left part of a row, which is known before the crawl."""
    return f"{spider:<16}{visit:<9}"


def run_counts(run: Run) -> str:
    """The right part of a row, which is known after the crawl."""
    return (
        f"{run.accepted:>6,}{run.inserted:>6,}{run.revised:>8,}{run.confirmed:>10,}"
        f"{run.unseen:>7,}{run.markets_written:>9,}{run.markets_ended:>7,}"
    )


def move(moved: Move) -> str:
    """A match with the old and the new offer for one market, one on each line."""
    title = f"{moved.home_team} v {moved.away_team} at {moved.bookmaker}"
    kickoff = f"kick-off {moved.kickoff:%d %b %Y %H:%M}"
    names = ["line"] if moved.new.line is not None else []
    heads = "".join(f"{name:>8}" for name in [*names, *moved.new.prices])
    return (
        f"{title:<48}{kickoff:>30}\n  {'from':<21}{'until':<21}{heads}\n"
        f"{_offer(moved.old)}\n{_offer(moved.new)}\n"
    )


def _offer(offer: Offer) -> str:
    line = "" if offer.line is None else f"{offer.line:>+8.2f}"
    prices = "".join(f"{price:>8.2f}" for price in offer.prices.values())
    until = "now" if offer.valid_to is None else _time(offer.valid_to)
    return f"  {_time(offer.valid_from):<21}{until:<21}{line}{prices}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
