"""The declared class of the contract suite, and records of it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.records import SnapshotRecord

RUN = uuid.UUID("00000000-0000-4000-8000-000000000001")
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


@snapshot(key="name")
@dataclass
class Selection:
    """A row nested in a row."""

    name: str
    odds: int


@snapshot(key="name")
@dataclass
class Market:
    """A row nested in the entity."""

    name: str
    price: int
    selections: list[Selection]


@snapshot(key="name", table="contract_match", untracked="url")
@dataclass
class Match:
    """The entity."""

    name: str
    score: Decimal
    url: str
    markets: list[Market]


class Observation(NamedTuple):
    """What a crawl saw: an entity, the second in which it was seen, and its content.

    A market's content is a number that makes its price and its selections.
    """

    name: str
    second: int
    score: int
    markets: Mapping[str, int]


def declaration() -> Declaration:
    """Resolve `Match`."""
    found = Declarations().of(Match)
    assert found is not None
    return found


_capture = compile_capture(declaration())


def at(second: int) -> dt.datetime:
    """Give the time of a second."""
    return START + dt.timedelta(seconds=second)


def record(seen: Observation) -> SnapshotRecord:
    """Capture an observation."""
    markets = [
        Market(name, content % 3, [Selection("home", content // 3)])
        for name, content in seen.markets.items()
    ]
    item = Match(seen.name, Decimal(seen.score), f"https://example.com/{seen.second}", markets)
    return _capture(item, at(seen.second), RUN)
