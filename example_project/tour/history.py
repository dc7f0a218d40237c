"""What the database knows: plain SQL on the plugin's tables, the same for every database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal

import sqlalchemy as sa

TABLES = {"odds": "odds_snapshot", "competitor_odds": "competitor_odds_snapshot"}
"""The table that each spider's items go to; their markets are in `<table>_markets`."""

PRICES = ("home", "draw", "away", "over", "under")

_MOVES = """
SELECT version.home_team, version.away_team, version.bookmaker, version.kickoff,
       {old_and_new}
FROM {table}_markets AS new
JOIN {table}_markets AS old
  ON old.entity_id = new.entity_id AND old.child_id = new.child_id
 AND old.valid_to = new.valid_from
JOIN {table} AS version
  ON version.entity_id = new.entity_id AND version.snapshot_id = new.snapshot_id
WHERE version.run_id = :run_id AND new.market = :market
ORDER BY {order}, version.match, version.bookmaker
LIMIT :most
"""
_BY_PRICE = "ABS(CAST(new.price_home AS FLOAT) / CAST(old.price_home AS FLOAT) - 1) DESC"
_BY_LINE = "ABS(CAST(new.line AS FLOAT) - CAST(old.line AS FLOAT)) DESC"
_VALUES = ("valid_from", "valid_to", "line", *(f"price_{price}" for price in PRICES))

_UNSEEN = """
SELECT COUNT(*) FROM {table} AS version
JOIN snapshot_runs AS run ON run.run_id = :run_id
WHERE version.valid_to IS NULL AND version.last_confirmed_at < run.started_at
"""


@dataclass(frozen=True)
class Run:
    """A crawl's row in `snapshot_runs`, and how many current entities it did not see."""

    run_id: object
    finished: bool
    accepted: int
    inserted: int
    revised: int
    confirmed: int
    failed: int
    rejected: int
    markets_written: int
    markets_ended: int
    unseen: int


@dataclass(frozen=True)
class Offer:
    """A market's values, and the time during which they were valid."""

    valid_from: datetime
    valid_to: datetime | None
    line: Decimal | None
    prices: dict[str, Decimal]
    """By outcome; only those that the market has."""


@dataclass(frozen=True)
class Move:
    """One market of one match before and after it moved."""

    home_team: str
    away_team: str
    bookmaker: str
    kickoff: datetime
    old: Offer
    new: Offer


def run_ids(connection: sa.Connection) -> list[object]:
    """The ids of all crawls that the database knows, oldest first."""
    if not sa.inspect(connection).has_table("snapshot_runs"):
        return []
    rows = connection.execute(sa.text("SELECT run_id FROM snapshot_runs ORDER BY started_at"))
    return list(rows.scalars())


def new_run(connection: sa.Connection, spider: str, known: Collection[object]) -> Run | None:
    """The latest crawl of `spider` that is not among the `known` ones; None: there is none."""
    for run_id in reversed(run_ids(connection)):
        statement = sa.text("SELECT * FROM snapshot_runs WHERE run_id = :run_id")
        row = connection.execute(statement, {"run_id": run_id}).one()
        if row.spider == spider and run_id not in known:
            return _run(connection, spider, row)
    return None


def moves(
    connection: sa.Connection, spider: str, run_id: object, market: str, most: int
) -> list[Move]:
    """The markets that moved furthest in the crawl `run_id`, by line or else by home price."""
    statement = _MOVES.format(
        table=TABLES[spider],
        order=_BY_LINE if market == "asian_handicap" else _BY_PRICE,
        old_and_new=", ".join(
            f"{row}.{column} AS {row}_{column}" for row in ("old", "new") for column in _VALUES
        ),
    )
    values = {"run_id": run_id, "market": market, "most": most}
    return [_move(row) for row in connection.execute(sa.text(statement), values)]


def _run(connection: sa.Connection, spider: str, row: sa.Row[tuple[object, ...]]) -> Run:
    unseen = sa.text(_UNSEEN.format(table=TABLES[spider]))
    return Run(
        run_id=row.run_id,
        finished=row.status == "finished",
        accepted=row.accepted,
        inserted=row.inserted,
        revised=row.revised,
        confirmed=row.confirmed,
        failed=row.failed,
        rejected=row.rejected,
        markets_written=row.children_inserted,
        markets_ended=row.children_ended,
        unseen=connection.execute(unseen, {"run_id": row.run_id}).scalar_one(),
    )


def _move(row: sa.Row[tuple[object, ...]]) -> Move:
    return Move(
        home_team=row.home_team,
        away_team=row.away_team,
        bookmaker=row.bookmaker,
        kickoff=_time(row.kickoff),
        old=_offer(row, "old"),
        new=_offer(row, "new"),
    )


def _offer(row: sa.Row[tuple[object, ...]], which: str) -> Offer:
    value = {column: getattr(row, f"{which}_{column}") for column in _VALUES}
    prices = {price: value[f"price_{price}"] for price in PRICES}
    return Offer(
        valid_from=_time(value["valid_from"]),
        valid_to=None if value["valid_to"] is None else _time(value["valid_to"]),
        line=None if value["line"] is None else Decimal(value["line"]),
        prices={name: Decimal(price) for name, price in prices.items() if price is not None},
    )


def _time(value: str | datetime) -> datetime:
    # SQLite stores times as text.
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(timezone.utc)
