"""A small history to report on: four products over a week, and hostile text everywhere."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from decimal import Decimal

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.report import ReportOptions, build_page
from scrapy_snapshot_pipeline.report.page import Page
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.schema.runs import Run, RunEnd
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore

START = dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc)
NOW = START + dt.timedelta(days=7)

HOSTILE = (
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    '" onmouseover="window.pwned=1" x=\'',
    "<svg/onload=window.pwned=1>",
    "{{ 7*7 }}<!--",
    "\u202eevil",
)


@snapshot(key="shop", table="report_offer")
@dataclass
class Offer:
    """A child row."""

    shop: str
    amount: Decimal


@snapshot(key="sku", table="report_product")
@dataclass
class Product:
    """An entity with a number of its own, one in its rows, and one in JSON."""

    sku: str
    name: str
    price: Decimal
    extra: dict[str, object] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)


def product(sku: str, price: str, *, name: str = "plain", offers: dict[str, str]) -> Product:
    """One observation."""
    rows = [Offer(shop, Decimal(amount)) for shop, amount in offers.items()]
    return Product(sku, name, Decimal(price), {"stock": int(Decimal(price))}, rows)


def week() -> dict[int, list[Product]]:
    """What each day's crawl saw; no crawl on day 3, and `gone` on day 0 only."""
    prices = {0: "10", 1: "10", 2: "10", 4: "12", 5: "12", 6: "9"}
    seen = {
        day: [
            product("lamp", price, offers={"north": price, "south": "5"}),
            product("chair", "40", offers={"north": "41"}),
        ]
        for day, price in prices.items()
    }
    seen[0].append(product("gone", "7", offers={}))
    seen[6].append(product("fresh", "3", offers={}))
    return seen


def hostile_week() -> dict[int, list[Product]]:
    """Every text tries to run something."""
    return {
        day: [
            Product(
                text,
                text + str(day),
                Decimal(5 + day),
                {text: day + 1},
                [Offer(text, Decimal(day))],
            )
            for text in HOSTILE
        ]
        for day in (0, 1)
    }


def store(url: str, seen: dict[int, list[Product]], spider: str = "shop") -> None:
    """A finished run a day."""
    declaration = Declarations().of(Product)
    assert declaration is not None
    capture = compile_capture(declaration)
    database = SnapshotStore(connect_engine(url, connect_timeout=10))
    database.declare([declaration])
    for day, products in seen.items():
        run, start = uuid.UUID(int=day + 1), START + dt.timedelta(days=day)
        database.start_run(Run(run, spider, start))
        records = tuple(capture(each, start, run) for each in products)
        database.write(Batch(records))
        counted = {"accepted": len(records), "revised": day, "failed": int(day == 1)}
        end = start + dt.timedelta(minutes=1)
        database.finish_run(RunEnd(run, end, "finished", counted))
    database.close()


def report(url: str, options: ReportOptions | None = None) -> Page:
    """The page on that database, made a day after the last crawl."""
    with SnapshotHistory(url) as history:
        return build_page(history, options or ReportOptions(), NOW)
