"""The example's real odds in a database, and the numbers that follow from the file alone."""

from __future__ import annotations

import datetime as dt
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.records import Batch, SnapshotRecord
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.schema.runs import Run, RunEnd
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore

EXAMPLE = Path(__file__).resolve().parents[2] / "example_project"
sys.path.insert(0, str(EXAMPLE))

from bookmakers.items import (  # noqa: E402
    CompetitorMarketOdds,
    CompetitorOddsSnapshot,
    MarketOdds,
    Match,
    OddsSnapshot,
)
from bookmakers.items import Market as Row  # noqa: E402
from bookmakers.site.offers import (  # noqa: E402
    BOOKMAKERS,
    Bookmaker,
    Fixture,
    Market,
    offered_markets,
    read_fixtures,
)

TABLE = "competitor_odds_snapshot"
SPIDER = "competitor_odds"
COMPETITORS = BOOKMAKERS[1:]
OUR_TABLE = "odds_snapshot"
OUR_SPIDER = "odds"
OURS = BOOKMAKERS[:1]
OPENING = uuid.UUID("00000000-0000-4000-8000-00000000000a")
CLOSING = uuid.UUID("00000000-0000-4000-8000-00000000000b")
STARTS = {
    OPENING: dt.datetime(2024, 5, 1, tzinfo=dt.timezone.utc),
    CLOSING: dt.datetime(2024, 5, 3, tzinfo=dt.timezone.utc),
}
NAMES = {OPENING: "opening", CLOSING: "closing"}
_MILLISECOND = dt.timedelta(milliseconds=1)


class Offer(NamedTuple):
    """What the file says of one match at one bookmaker on one visit."""

    match: str
    bookmaker: str
    prices: dict[tuple[str, str], Decimal]
    """By market and outcome; a line is the outcome `line`."""


def offers(run: uuid.UUID) -> Iterator[Offer]:
    """All offers of competitors, in the order of the file."""
    for fixture, bookmaker, markets in _offered(NAMES[run]):
        prices = {
            (market.name, outcome): Decimal(price)
            for market in markets
            for outcome, price in (*market.prices, *_line(market))
        }
        yield Offer(fixture.slug, bookmaker.name, prices)


def seen_at(run: uuid.UUID, position: int) -> dt.datetime:
    """When the offer at this position in the file was observed."""
    return STARTS[run] + position * _MILLISECOND


def store_odds(url: str) -> None:
    """Both visits to the competitors, each a finished run of one minute."""
    _store(url, CompetitorOddsSnapshot, SPIDER, STARTS)


def store_our_odds(url: str) -> None:
    """The same of our own bookmaker, an hour before: a second table."""
    starts = {
        uuid.UUID(int=run.int + 2): start - dt.timedelta(hours=1) for run, start in STARTS.items()
    }
    _store(url, OddsSnapshot, OUR_SPIDER, starts)


def _store(
    url: str, item_class: type[Match], spider: str, starts: Mapping[uuid.UUID, dt.datetime]
) -> None:
    store = SnapshotStore(connect_engine(url, connect_timeout=10))
    declaration = Declarations().of(item_class)
    assert declaration is not None
    capture = compile_capture(declaration)
    bookmakers = OURS if item_class is OddsSnapshot else COMPETITORS
    store.declare([declaration])
    for (run, start), visit in zip(starts.items(), NAMES.values(), strict=True):
        store.start_run(Run(run, spider, start))
        records: list[SnapshotRecord] = [
            capture(_item(item_class, visit, *offered), start + position * _MILLISECOND, run)
            for position, offered in enumerate(_offered(visit, bookmakers))
        ]
        for first in range(0, len(records), 500):
            store.write(Batch(tuple(records[first : first + 500])))
        end = start + dt.timedelta(minutes=1)
        seen = {declaration.table: len(records)}
        store.finish_run(RunEnd(run, end, "finished", {"accepted": len(records)}, seen))
    store.close()


def _offered(
    visit: str, bookmakers: Sequence[Bookmaker] = COMPETITORS
) -> Iterator[tuple[Fixture, Bookmaker, tuple[Market, ...]]]:
    for fixture in read_fixtures():
        for bookmaker in bookmakers:
            markets = offered_markets(fixture, bookmaker, visit)
            if markets:
                yield fixture, bookmaker, markets


def _line(market: Market) -> tuple[tuple[str, str], ...]:
    return () if market.line is None else (("line", market.line),)


def _item(
    item_class: type[Match],
    visit: str,
    fixture: Fixture,
    bookmaker: Bookmaker,
    markets: tuple[Market, ...],
) -> Match:
    market_class = MarketOdds if item_class is OddsSnapshot else CompetitorMarketOdds
    return item_class(
        match=fixture.slug,
        bookmaker=bookmaker.name,
        home_team=fixture.home_team,
        away_team=fixture.away_team,
        kickoff=fixture.kickoff.replace(tzinfo=dt.timezone.utc),
        url=f"https://example.com/{visit}/{fixture.slug}",
        markets=[_market(market_class, market) for market in markets],  # type: ignore[call-arg]
    )


def _market(market_class: type[Row], market: Market) -> Row:
    values = {f"price_{outcome}": Decimal(price) for outcome, price in market.prices}
    if market.line is not None:
        values["line"] = Decimal(market.line)
    names = {field.name for field in fields(market_class)} - {"market"}
    return market_class(market=market.name, **{n: values.get(n) for n in names})
