"""Visits of one shop; which one is a spider argument."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import scrapy

from tests.release_0_1_0.shop.items import Classic, Condition, Offer, Picture, Size, Variant

DAY = dt.datetime(2024, 5, 1, 12, 30, 15, 123456, tzinfo=dt.timezone.utc)


def offer(number: int, visit: int) -> Offer:
    moved = number % 3 == 0
    return Offer(
        shop="north",
        id=number,
        url=f"https://shop.example/{number}?visit={visit}",
        title=None if number == 4 else f"Offer {number} é ☃",
        price=Decimal(number * 100 + (visit if moved else 0)) / 100,
        rating=None if number == 2 else number / 8,
        in_stock=visit % 2 == 0 if number == 5 else True,
        condition=Condition.USED if number == 1 else Condition.NEW,
        level="a",
        listed=dt.date(2024, 5, number),
        opens=dt.time(9, 30) if number % 2 else None,
        updated=DAY + dt.timedelta(days=number),
        uid=UUID(int=number),
        raw=bytes([number, 255]) if number != 3 else None,
        short=f"s{number}",
        details={"brand": "x", "size": {"w": number, "h": 2.5}, "flags": [True, None, "b"]},
        variants=[
            Variant(
                sku=f"v{index}",
                price=Decimal("9.90") + (visit if number == 2 and index == 1 else 0),
                sizes=[Size("S", 1), Size("M", visit if number == 3 else 7)],
            )
            for index in range(3 if visit < 3 or number != 6 else 2)
        ],
        pictures=[Picture(f"p{index}") for index in range(number % 3)],
    )


class Shop(scrapy.Spider):
    """One visit, from the offer `first` on."""

    name = "shop"
    visit = "1"
    first = "1"

    async def start(self) -> AsyncIterator[Any]:
        """Yield what the shop had at this visit."""
        visit = int(self.visit)
        for number in range(int(self.first), 8 if visit > 1 else 7):
            yield offer(number, visit)
        for number in range(1, 4):
            yield {
                "shop": "north",
                "id": number,
                "price": 10 + (visit if number == 1 else 0),
                "seen": visit,
                "tags": ["a", {"deep": None}],
            }
        for number in range(1, 4):
            pounds = number + (visit if number == 2 else 0)
            yield Classic(id=f"c{number}", name="classic", price=f"£{pounds}.50")
