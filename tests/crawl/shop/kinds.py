"""Items of every kind; tests choose the spiders of this module with SPIDER_MODULES."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pydantic
import scrapy
from scrapy.http import Response

from scrapy_snapshot_pipeline import snapshot
from tests.crawl.shop.one_page import OnePageSpider


@snapshot(key="sku")
@dataclass
class DataclassPrice:
    """Typed columns."""

    sku: str
    price: Decimal


@snapshot(key="sku")
@attrs.define
class AttrsPrice:
    """Typed columns."""

    sku: str
    price: Decimal


@snapshot(key="sku")
class PydanticPrice(pydantic.BaseModel):
    """Typed columns."""

    sku: str
    price: Decimal


@snapshot(key="sku")
class ItemPrice(scrapy.Item):
    """A column for the key, and JSON for the other fields."""

    sku = scrapy.Field()
    price = scrapy.Field()


@dataclass
class Undeclared:
    """Has no declaration."""

    sku: str


class KindsSpider(OnePageSpider):
    """Yields two items of each kind, and two that are not stored."""

    name = "kinds"

    def parse(self, _: Response) -> Iterator[Any]:
        """Yield all kinds in turn."""
        for sku in ("a", "b"):
            yield {"sku": sku, "price": "1.50"}
            yield DataclassPrice(sku, Decimal("1.50"))
            yield AttrsPrice(sku, Decimal("1.50"))
            yield PydanticPrice(sku=sku, price=Decimal("1.50"))
            yield ItemPrice(sku=sku, price="1.50")
            yield Undeclared(sku)


class FaultySpider(OnePageSpider):
    """Yields a good item, two that cannot become records, and a good one."""

    name = "faulty"

    def parse(self, _: Response) -> Iterator[Any]:
        """Yield values that do not fit their types."""
        yield DataclassPrice("a", Decimal("1.50"))
        yield DataclassPrice("b", "canary-value")  # type: ignore[arg-type]
        yield DataclassPrice(None, Decimal("1.50"))  # type: ignore[arg-type]
        yield DataclassPrice("c", Decimal("1.50"))


class LateSpider(OnePageSpider):
    """Imports a class in the middle of the crawl, and yields many of its items at once."""

    name = "late"

    def parse(self, _: Response) -> Iterator[Any]:
        """Yield fifty items."""
        late = importlib.import_module("tests.crawl.shop.late")
        for number in range(50):
            yield late.LatePrice(f"sku-{number}", Decimal("1.50"))


class VeryLateSpider(LateSpider):
    """The same, but makes a file `waiting` first, and goes on once there is a file `go`."""

    name = "very_late"

    async def parse(self, response: Response) -> AsyncIterator[Any]:  # type: ignore[override]
        """Yield fifty items."""
        Path("waiting").touch()  # noqa: ASYNC240 - as below
        while not Path("go").exists():  # noqa: ASYNC110, ASYNC240 - the test makes it
            await asyncio.sleep(0.01)
        for item in super().parse(response):
            yield item
