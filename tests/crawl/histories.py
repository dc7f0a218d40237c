"""What is stored of the products of `CrowdSpider`, and the rules that it must keep."""

from __future__ import annotations

import itertools
from collections import defaultdict
from decimal import Decimal
from typing import Any, NamedTuple

from tests.crawl.database import connected, scalar
from tests.crawl.shop.crowd import offers

TOUCHING = """
SELECT count(*) FROM {table} a JOIN {table} b
  ON a.{key} = b.{key} AND a.entity_id = b.entity_id
  AND a.valid_to = b.valid_from AND a.content_hash = b.content_hash
WHERE a.valid_from < a.valid_to AND (b.valid_to IS NULL OR b.valid_from < b.valid_to)
"""
KEYS = {"product": "entity_id", "product_offers": "child_id"}


class Row(NamedTuple):
    """A stored version, or a row of its list; the times are as the driver gives them."""

    content: tuple[Any, ...]
    valid_from: Any
    valid_to: Any


class History(NamedTuple):
    """All that is stored of one product."""

    versions: list[Row]
    """In the order of time; their content is the number that the spider showed."""
    offers: list[Row]
    """Their content is shop and price."""

    @property
    def contents(self) -> list[int]:
        """Of the versions, in the order of time."""
        return [version.content[0] for version in self.versions]


def histories(url: str) -> dict[int, History]:
    """By the number of the product."""
    with connected(url) as connection:
        versions = connection.exec_driver_sql("SELECT * FROM product ORDER BY valid_from").all()
        stored_offers = connection.exec_driver_sql("SELECT * FROM product_offers").all()
    by_entity: defaultdict[Any, History] = defaultdict(lambda: History([], []))
    numbers = {}
    for row in versions:
        numbers[row.entity_id] = int(row.sku.removeprefix("sku-"))
        shown = (int(row.name.removeprefix("Look ")),)
        by_entity[row.entity_id].versions.append(Row(shown, row.valid_from, row.valid_to))
    for row in stored_offers:
        offer = (row.shop, Decimal(row.price))
        by_entity[row.entity_id].offers.append(Row(offer, row.valid_from, row.valid_to))
    return {numbers[entity_id]: history for entity_id, history in by_entity.items()}


def assert_normal_form(url: str) -> None:
    """No two versions that touch have equal content, nor two rows of one offer."""
    pairs = {
        table: scalar(url, TOUCHING.format(table=table, key=key)) for table, key in KEYS.items()
    }
    assert pairs == {"product": 0, "product_offers": 0}


def assert_whole(history: History) -> None:
    """Each version ends where the next begins, and the offers are those of the versions."""
    ends = [version.valid_to for version in history.versions]
    assert ends == [*(version.valid_from for version in history.versions[1:]), None], history
    assert sorted(history.offers, key=str) == sorted(_offers_of(history), key=str), history


def _offers_of(history: History) -> list[Row]:
    """The rows that the offers of the versions make, one for each time of equal content."""
    shown = [
        (offer.shop, Row((offer.shop, offer.price), version.valid_from, version.valid_to))
        for version in history.versions
        for offer in offers(version.content[0])
    ]
    rows: list[Row] = []
    for _, of_shop in itertools.groupby(sorted(shown, key=lambda each: each[0]), lambda e: e[0]):
        for _, row in of_shop:
            last = rows[-1] if rows else None
            if last and (last.content, last.valid_to) == (row.content, row.valid_from):
                rows[-1] = last._replace(valid_to=row.valid_to)
            else:
                rows.append(row)
    return rows
