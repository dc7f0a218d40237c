"""Item classes of every kind that the tests of declarations and capture share."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any

import attrs
import pydantic
import scrapy
from sqlalchemy import Numeric, String

from scrapy_snapshot_pipeline.declaration.registry import snapshot


class Colour(enum.Enum):
    """One member with a string value, one without."""

    RED = "red"
    BLUE = 2


@snapshot(key="outcome")
@dataclass
class Price:
    """A row in a list in a list."""

    outcome: str
    price: Decimal


@snapshot(key="market", untracked="note")
@dataclass
class Market:
    """A row in a list."""

    market: str
    line: Decimal | None = None
    note: str | None = None
    prices: list[Price] = field(default_factory=list)


@snapshot()
@dataclass
class Tag:
    """A row without a key."""

    text: str


@snapshot(key=("event", "bookmaker"), untracked=("url",))
@dataclass
class OddsSnapshot:
    """Two levels of keyed lists, and one list without a key."""

    event: str
    bookmaker: str
    url: str | None = None
    kickoff: datetime | None = None
    markets: list[Market] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)


@snapshot(key="text")
@dataclass(slots=True)
class Everything:
    """One field of every kind."""

    text: Annotated[str, String(20)]
    whole: int | None = None
    real: float | None = None
    flag: bool | None = None
    amount: Annotated[Decimal | None, Numeric(6, 2)] = None
    exact: Decimal | None = None
    moment: datetime | None = None
    day: date | None = None
    clock: time | None = None
    ident: uuid.UUID | None = None
    raw: bytes | None = None
    colour: Colour | None = None
    nested: Any = None
    prices: dict[str, Decimal] | None = None


@dataclass(slots=True)
@snapshot(key="name")
class SlotsAbove:
    """The decorator above makes a new class of the declared one."""

    name: str


@snapshot(key="name")
@attrs.define
class AttrsItem:
    """As attrs makes it, with slots."""

    name: str
    size: int = 0


@snapshot(key="name")
class PydanticItem(pydantic.BaseModel):
    """As pydantic makes it."""

    name: str
    size: int = 0


@snapshot(key="name", untracked="seen")
class ScrapyItem(scrapy.Item):
    """No field has a type."""

    name = scrapy.Field()
    size = scrapy.Field()
    seen = scrapy.Field()
