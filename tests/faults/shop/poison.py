"""Items that no database may get, beside good ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

import scrapy
from scrapy.http import Response
from sqlalchemy import String

from scrapy_snapshot_pipeline import snapshot
from tests.faults.shop.spiders import LooksSpider

CANARY = "canary0value"
"""A text in every poisoned item, which must be in no log line of ours."""


@snapshot(key="number")
@dataclass
class Part:
    """A child row."""

    number: int


@snapshot(key="name")
@dataclass
class Dish:
    """A row of table `dish`, with a field of every type."""

    name: str
    text: str = CANARY
    count: int = 0
    price: Decimal = Decimal(0)
    weight: float = 0.0
    short: Annotated[str, String(10)] = ""
    when: dt.datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)


def deep(levels: int) -> dict[str, Any]:
    """A value nested `levels` deep."""
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"in": value}
    return value


def circular() -> dict[str, Any]:
    """A value that contains itself."""
    value: dict[str, Any] = {}
    value["self"] = value
    return value


POISON: dict[str, dict[str, Any]] = {
    "nul": {"text": f"{CANARY}\x00"},
    "surrogate": {"text": f"{CANARY}\ud800"},
    "overflow": {"count": 2**63},
    "nan": {"price": Decimal("NaN")},
    "infinity": {"price": Decimal("Infinity")},
    "too-long": {"short": CANARY},
    "object": {"extra": {"odd": object()}},
    "circle": {"extra": circular()},
    "deep": {"extra": deep(5_000)},
    "json-nan": {"extra": {"odd": float("nan")}},
    "json-nul": {"extra": {"odd": "\x00"}},
    "naive": {"when": dt.datetime(2026, 1, 1)},  # noqa: DTZ001 - this is the poison
    "huge": {"text": "x" * 2_000_000},
}

GOOD: dict[str, dict[str, Any]] = {
    "plain": {},
    "exact": {"price": Decimal("0.1234567890123456789")},
    "largest": {"count": 2**63 - 1},
    "set": {"extra": {"odd": {2, 1}}},
    "many": {"parts": [Part(number) for number in range(10_000)]},
    "'; DROP TABLE dish; --": {"text": "'; DROP TABLE dish; --"},
    'quo"te %s :x \\ ': {"extra": {'"; DROP TABLE dish': "%(x)s"}},
    "\x1b[2J\x1b]0;title\x07": {"text": "\x1b[31m\u202e"},
}


class PoisonSpider(scrapy.Spider):
    """Yields good and poisoned items in turn."""

    name = "poison"
    custom_settings = LooksSpider.custom_settings

    async def start(self) -> AsyncIterator[scrapy.Request]:
        """One page."""
        yield scrapy.Request("data:,page")

    def parse(self, response: Response, **_: Any) -> Iterator[Dish]:
        """Yield all at once, so that they share a batch."""
        for name, values in POISON.items():
            yield Dish(f"before {name}")
            yield Dish(name, **values)
        for name, values in GOOD.items():
            yield Dish(name, **values)
