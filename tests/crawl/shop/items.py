"""What most of the spiders yield."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scrapy_snapshot_pipeline import snapshot


@snapshot(key="shop")
@dataclass
class Offer:
    """A price in one shop, a row of table `product_offers`."""

    shop: str
    price: Decimal


@snapshot(key="sku")
@dataclass
class Product:
    """A row of table `product`."""

    sku: str
    name: str
    offers: list[Offer]


def product(number: int, price: str = "9.90") -> Product:
    """Make a product with two offers, whose name says the price."""
    offers = [Offer("north", Decimal(price)), Offer("south", Decimal(price) + 1)]
    return Product(sku=f"sku-{number:06}", name=f"Product at {price}", offers=offers)
