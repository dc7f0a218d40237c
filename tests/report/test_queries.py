"""What one table has to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.history import SnapshotHistory, TableInfo
from scrapy_snapshot_pipeline.history.results import Fields
from scrapy_snapshot_pipeline.report import ReportOptions
from scrapy_snapshot_pipeline.report.queries import numeric_fields, query_table
from scrapy_snapshot_pipeline.report.table_data import TableData
from tests.report.shop import START, Product, product, store, week


def info(*numeric: str, untyped: bool = False) -> TableInfo:
    """A table with these declared numbers."""
    return TableInfo("t", ("sku",), (), (), numeric, (), untyped=untyped)


@pytest.mark.parametrize(
    ("table", "sample", "fields"),
    [
        (info("sku", "price", "offers.amount"), {}, ("price", "offers.amount")),
        (info("price"), {"price": 1, "extra": {"stock": 2}}, ("price", "extra.stock")),
        (info(), {"extra": {"a": {"b": "1.5", "c": "text", "d": True}}}, ("extra.a.b",)),
        (info(), {"extra": None, "count": 3}, ()),
        (info(untyped=True), {"sku": 5, "stock": 3, "title": "Seven", "live": True}, ("stock",)),
        (info(untyped=True), {"sku": "5", "price": "9.99"}, ("price",)),
        (info(untyped=True), {"": 1, ".": 2, "a": {"": 3, "b": 4}}, ("a.b",)),
    ],
)
def test_numbers_are_declared_or_found_in_json(
    table: TableInfo, sample: Mapping[str, object], fields: tuple[str, ...]
) -> None:
    """Never the key; a text is a number only in JSON, where decimals are stored as texts."""
    assert numeric_fields(table, [sample]) == fields


def test_a_field_of_words_has_no_numbers() -> None:
    """A title that happens to be a number does not make the titles numbers."""
    samples: list[Fields] = [{"title": "1984", "price": "9.99"}, {"title": "Emma", "price": None}]
    assert numeric_fields(info(untyped=True), samples) == ("price",)


def test_each_number_is_found_once() -> None:
    """Declared ones first, then those of the samples in their order."""
    samples = [{"extra": {"b": 1}}, {"extra": {"a": 2, "b": 3}}, {"extra": {"price": 4}}]
    assert numeric_fields(info("price"), samples) == (
        "price",
        "extra.b",
        "extra.a",
        "extra.price",
    )


def found(folder: Path, seen: dict[int, list[Product]], options: ReportOptions) -> TableData:
    """What the table of these crawls has to show."""
    url = f"sqlite:///{(folder / 'shop.db').as_posix()}"
    store(url, seen)
    with SnapshotHistory(url) as history:
        return query_table(history, history.table("report_product"), options, START)


def test_lists_have_one_more_than_is_shown(tmp_path: Path) -> None:
    """So that the page knows that it cuts them; what is counted is all of them."""
    data = found(tmp_path, week(), ReportOptions(top=1))
    assert (len(data.new), len(data.movers)) == (2, 2)
    assert (data.new_count, data.not_seen_count) == (4, 1)
    assert len(data.not_seen) == 1


def test_fields_that_move_wildly_do_not_hide_the_others(tmp_path: Path) -> None:
    """Each field's furthest mover comes before any field's second."""
    seen = {
        day: [
            Product(f"p{n}", "plain", product("", price, offers={}).price, {"stock": stock})
            for n in range(3)
        ]
        for day, price, stock in ((0, "10", 1), (1, "11", 900))
    }
    data = found(tmp_path, seen, ReportOptions(top=1))
    assert [field for field, _ in data.movers] == ["extra.stock", "price"]


def test_a_field_that_crosses_zero_comes_after_the_others(tmp_path: Path) -> None:
    """A handicap that goes from +0.25 to -0.25 is no mover of 200 %."""
    lines = {"a": ("0.25", "-0.25"), "b": ("10", "11")}
    seen = {day: [product(sku, "10", offers={}) for sku in lines] for day in range(2)}
    for day, products in seen.items():
        for each in products:
            each.extra = {"line": float(lines[each.sku][day])} if each.sku == "a" else {}
            each.price = Decimal(10 + day) if each.sku == "b" else Decimal(10)
    data = found(tmp_path, seen, ReportOptions())
    assert [field for field, _ in data.movers] == ["price", "extra.line"]
    assert data.signed_fields == {"extra.line"}


def test_a_number_that_falls_to_zero_stays_a_mover(tmp_path: Path) -> None:
    """A stock that is sold out does not cross zero."""
    seen = {
        day: [Product("a", "plain", Decimal(10), {"stock": stock})]
        for day, stock in enumerate((5, 0))
    }
    assert found(tmp_path, seen, ReportOptions()).signed_fields == frozenset()


@pytest.mark.parametrize(
    ("untracked", "moved"),
    [
        (("extra",), ["price"]),
        (("extra.stock",), ["price"]),
        (("extra.sto",), ["price", "extra.stock"]),
    ],
)
def test_untracked_numbers_are_no_movers(
    tmp_path: Path, untracked: tuple[str, ...], moved: list[str]
) -> None:
    """Nor what is in an untracked field, or in an untracked part of one."""
    url = f"sqlite:///{(tmp_path / 'shop.db').as_posix()}"
    store(url, {day: [product("a", str(10 + day), offers={})] for day in range(2)})
    with SnapshotHistory(url) as history:
        table = replace(history.table("report_product"), untracked=untracked)
        data = query_table(history, table, ReportOptions(), START)
    assert [field for field, _ in data.movers] == moved


def test_named_numbers_are_the_only_ones(tmp_path: Path) -> None:
    """In the order in which the user names them, in movers and charts."""
    fields = ("extra.stock", "price")
    data = found(tmp_path, week(), ReportOptions(fields=fields))
    assert data.fields == fields
    assert {field for field, _ in data.movers} == set(fields)
