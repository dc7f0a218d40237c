"""What the crawls of the fault tests observe."""

from __future__ import annotations

from dataclasses import dataclass

from scrapy_snapshot_pipeline import snapshot


@snapshot(key="side")
@dataclass
class Leg:
    """A child row whose content is the number of the look: table `ticker_legs`."""

    side: str
    look: int


@snapshot(key="sku")
@dataclass
class Ticker:
    """Table `ticker`; its content is the number of the look."""

    sku: str
    look: int
    legs: list[Leg]


def ticker(sku: str, look: int) -> Ticker:
    """The entity at its `look`th look."""
    return Ticker(sku, look, [Leg("buy", look), Leg("sell", look)])
