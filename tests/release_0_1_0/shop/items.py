"""Items of every kind that release 0.1.0 could store."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import scrapy
from sqlalchemy import Numeric, String

from scrapy_snapshot_pipeline import snapshot


class Condition(Enum):
    """A column of text."""

    NEW = "new"
    USED = "used"


@snapshot(key="name")
@dataclass
class Size:
    """A list in a list."""

    name: str
    stock: int | None = None


@snapshot(key="sku")
@dataclass
class Variant:
    """A list with a key."""

    sku: str
    price: Decimal
    sizes: list[Size] = field(default_factory=list)


@snapshot()
@dataclass
class Picture:
    """A list that goes by position."""

    url: str


@snapshot(key=("shop", "id"), untracked=("url",))
@dataclass
class Offer:
    """A column of every kind."""

    shop: str
    id: int
    url: str
    title: str | None
    price: Annotated[Decimal, Numeric(10, 2)]
    rating: float | None
    in_stock: bool
    condition: Condition
    level: Literal["a", "b"]
    listed: dt.date
    opens: dt.time | None
    updated: dt.datetime
    uid: UUID
    raw: bytes | None
    short: Annotated[str, String(20)]
    details: dict[str, Any] = field(default_factory=dict)
    variants: list[Variant] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)


@snapshot(key="id", table="classic_items")
class Classic(scrapy.Item):
    """A class without types."""

    id = scrapy.Field()
    name = scrapy.Field()
    price = scrapy.Field()
