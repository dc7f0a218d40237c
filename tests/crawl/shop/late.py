"""A class that is imported in the middle of a crawl."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from scrapy_snapshot_pipeline import snapshot


@snapshot(key="sku")
@dataclass
class LatePrice:
    """Unknown when the spider opened."""

    sku: str
    price: Decimal
