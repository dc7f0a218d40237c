"""The items of the fault tests."""

from __future__ import annotations

from dataclasses import dataclass

from scrapy_snapshot_pipeline import snapshot


@snapshot(key="side")
@dataclass
class Leg:
    """A row of table `ticker_legs`, whose content is the number of the look."""

    side: str
    look: int


@snapshot(key="sku")
@dataclass
class Ticker:
    """A row of table `ticker`, whose content is the number of the look."""

    sku: str
    look: int
    legs: list[Leg]


def ticker(sku: str, look: int) -> Ticker:
    """What the spider sees of an entity at this look."""
    return Ticker(sku, look, [Leg("buy", look), Leg("sell", look)])
