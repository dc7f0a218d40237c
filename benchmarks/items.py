"""What every section stores: an event at a bookmaker, with the markets that it offers."""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from scrapy_snapshot_pipeline import snapshot
from scrapy_snapshot_pipeline.capture.compile import Capture, compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.records import SnapshotRecord

RUN_ID = uuid.UUID(int=1)
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
BATCH = 500
"""Records; the default of SNAPSHOT_BATCH_SIZE."""


@snapshot(key="market")
@dataclass
class Market:
    """One child row."""

    market: str
    line: Decimal | None
    home: Decimal
    draw: Decimal
    away: Decimal


@snapshot(key=("event_id", "bookmaker"), untracked="url", table="event")
@dataclass
class Event:
    """One item, with seven values and a list of children."""

    event_id: str
    bookmaker: str
    home_team: str
    away_team: str
    kickoff: dt.datetime
    price: Decimal
    url: str
    markets: list[Market]


def event(number: int, children: int, *, price: int = 0, moved_child: int = 0) -> Event:
    """Entity `number`; another `price` or `moved_child` gives it other content.

    `moved_child` changes the first child alone.
    """
    return Event(
        event_id=f"event-{number:09d}",
        bookmaker="bench",
        home_team=f"Home Rovers {number % 97}",
        away_team=f"Away United {number % 89}",
        kickoff=START + dt.timedelta(minutes=number % 100_000),
        price=Decimal(150 + number % 300 + price) / 100,
        url=f"https://odds.example/events/{number}?lang=en",
        markets=[_market(number, index, moved_child) for index in range(children)],
    )


def declaration() -> Declaration:
    """The declaration of `Event`."""
    declared = Declarations().of(Event)
    if declared is None:
        raise RuntimeError("benchmarks.items.Event is not declared")
    return declared


@functools.cache
def _capture(declared: Declaration) -> Capture:
    """The capture, which is compiled once, as in a crawl."""
    return compile_capture(declared)


def records(
    events: Iterator[Event], observed_at: dt.datetime, declared: Declaration | None = None
) -> list[SnapshotRecord]:
    """Capture `events`, one microsecond apart, by that declaration of `Event` or its own."""
    capture = _capture(declared or declaration())
    tick = dt.timedelta(microseconds=1)
    return [capture(each, observed_at + index * tick, RUN_ID) for index, each in enumerate(events)]


def _market(number: int, index: int, moved: int) -> Market:
    price = 100 + (number + index) % 400 + (moved if index == 0 else 0)
    return Market(
        market=f"market-{index:02d}",
        line=Decimal(index) / 2 if index % 3 == 0 else None,
        home=Decimal(price) / 100,
        draw=Decimal(price + 110) / 100,
        away=Decimal(price + 250) / 100,
    )
