"""Items whose own code fails when they are read; tests choose these spiders with SPIDER_MODULES."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, make_dataclass
from enum import Enum
from typing import Any

from scrapy.http import Response

from scrapy_snapshot_pipeline import snapshot
from tests.crawl.shop.one_page import OnePageSpider

WHEN = dt.datetime(2024, 5, 1, tzinfo=dt.timezone.utc)


class NotATime(dt.datetime):
    """As `pandas.NaT`: a datetime without any of its methods."""

    def astimezone(self, tz: dt.tzinfo | None = None) -> Any:
        """Fail, as there is no time."""
        raise TypeError("canary: no time")


class Colour(Enum):
    """Has no member for what a page says."""

    RED = "red"

    @classmethod
    def _missing_(cls, value: object) -> Colour:
        raise KeyError(f"canary {value}")


@snapshot(key="at")
@dataclass
class TroubledRow:
    """A nested row."""

    at: dt.datetime


@snapshot(key="k")
@dataclass
class Troubled:
    """What may fail in an item."""

    k: str
    at: dt.datetime = WHEN
    colour: Colour = Colour.RED
    rows: list[TroubledRow] = field(default_factory=list)
    price: int = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "price" and self.k == "price":
            raise RuntimeError("canary: as of a property")
        return super().__getattribute__(name)


def no_time() -> dt.datetime:
    """A time whose zone cannot be changed."""
    return NotATime(2024, 5, 1, tzinfo=dt.timezone(dt.timedelta(hours=1)))


class RejectedSpider(OnePageSpider):
    """Yields one good item and five that are rejected."""

    name = "rejected"

    def parse(self, _: Response) -> Iterator[object]:
        """Yield one of each kind."""
        yield Troubled("good")
        yield Troubled("time", at=no_time())
        yield Troubled("colour", colour="blue")  # type: ignore[arg-type]
        yield Troubled("row", rows=[TroubledRow(no_time())])
        yield Troubled("price")
        long = snapshot(key="k", table="t" * 70)(make_dataclass("Long", [("k", str)]))
        yield long("a")


class NaiveSpider(OnePageSpider):
    """Yields five dicts with a time that states no zone."""

    name = "naive"

    def parse(self, _: Response) -> Iterator[dict[str, object]]:
        """Yield them."""
        for number in range(5):
            yield {"id": str(number), "at": dt.datetime.now()}  # noqa: DTZ005 - that is the point
