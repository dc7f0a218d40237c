"""A class that changes: its tables change with it, and its history says nothing false."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

import pytest
import sqlalchemy as sa
from sqlalchemy import Numeric, String

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.errors import SchemaMismatchError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.evolving import RUN, Class, Crawler, Row, at, crawl, current, outcomes

ROWS = [{"size": "L", "left": 1, "tag": "t"}, {"size": "M", "left": 2, "tag": "t"}]
VALUES = {
    "sku": "a",
    "price": Decimal("1.50"),
    "shop": "x",
    "stock": None,
    "data": {"a": 1, "b": {"c": 2}},
    "rows": ROWS,
}
"""What every crawl sees."""
ROW: Mapping[str, Any] = {"size": str, "left": int, "tag": str}
FIELDS: Mapping[str, Any] = {"price": Decimal, "shop": str, "rows": Row(ROW)}
BEFORE = Class(FIELDS)


def without(*names: str, **others: Any) -> Class:
    """The class with some fields gone and some others."""
    return Class({n: t for n, t in {**FIELDS, **others}.items() if n not in names})


def with_rows(fields: Mapping[str, Any], key: str | None = "size", **options: Any) -> Class:
    """The class with another list."""
    return Class({**FIELDS, "rows": Row(fields, key, options)})


class Allowed(NamedTuple):
    """A change after which the same content is confirmed."""

    before: Class
    after: Class
    shown: frozenset[str]
    """The fields and lists of the state afterwards, beside the key."""


ALL = frozenset({"price", "shop", "rows"})
DATA = Class({**FIELDS, "data": dict})
ALLOWED = {
    "nothing": Allowed(BEFORE, BEFORE, ALL),
    "moved": Allowed(BEFORE, Class(dict(reversed([*FIELDS.items()]))), ALL),
    "a field more": Allowed(BEFORE, without(stock=int), ALL | {"stock"}),
    "a decimal more": Allowed(BEFORE, without(stock=Decimal), ALL | {"stock"}),
    "a field less": Allowed(BEFORE, without("shop"), ALL - {"shop"}),
    "all fields less": Allowed(BEFORE, without("shop", "price"), frozenset({"rows"})),
    "one more, one less": Allowed(BEFORE, without("shop", stock=int), (ALL - {"shop"}) | {"stock"}),
    "a list less": Allowed(BEFORE, without("rows"), ALL - {"rows"}),
    "a list more": Allowed(BEFORE, without(others=Row({"size": str})), ALL | {"others"}),
    "a list in a list": Allowed(BEFORE, with_rows({**ROW, "deep": Row({"size": str})}), ALL),
    "a list in a list less": Allowed(with_rows({**ROW, "deep": Row({"size": str})}), BEFORE, ALL),
    "a list's field less": Allowed(BEFORE, with_rows({"size": str, "left": int}), ALL),
    "a list's field more": Allowed(BEFORE, with_rows({**ROW, "note": str}), ALL),
    "a list's field untracked": Allowed(BEFORE, with_rows(ROW, untracked=("tag",)), ALL),
    "untracked": Allowed(BEFORE, Class(FIELDS, {"untracked": ("shop",)}), ALL),
    "tracked": Allowed(Class(FIELDS, {"untracked": ("shop",)}), BEFORE, ALL),
    "excluded": Allowed(BEFORE, Class(FIELDS, {"exclude": ("shop",)}), ALL - {"shop"}),
    "untracked inside": Allowed(
        without(data=dict),
        Class({**FIELDS, "data": dict}, {"untracked": ("data.b",)}),
        ALL | {"data"},
    ),
    "tracked inside": Allowed(
        Class({**FIELDS, "data": dict}, {"untracked": ("data.b",)}),
        without(data=dict),
        ALL | {"data"},
    ),
    "excluded inside": Allowed(
        without(data=dict),
        Class({**FIELDS, "data": dict}, {"exclude": ("data.b.c",)}),
        ALL | {"data"},
    ),
    "longer": Allowed(
        without(shop=Annotated[str, String(5)]), without(shop=Annotated[str, String(20)]), ALL
    ),
    "as long as you like": Allowed(without(shop=Annotated[str, String(5)]), BEFORE, ALL),
    "shorter": Allowed(BEFORE, without(shop=Annotated[str, String(5)]), ALL),
    "more digits": Allowed(
        without(price=Annotated[Decimal, Numeric(5, 2)]),
        without(price=Annotated[Decimal, Numeric(12, 2)]),
        ALL,
    ),
    "another label": Allowed(BEFORE, Class(FIELDS, {"label": "shop"}), ALL),
}


@pytest.mark.parametrize("change", ALLOWED)
def test_an_unchanged_item_stays_confirmed(database_url: str, change: str) -> None:
    """No version, no child row and no other id; the second crawl knows it by its hash again."""
    allowed = ALLOWED[change]
    crawl(database_url, allowed.before, 0, VALUES)
    ids = rows_of(database_url)
    for second in (1, 2):
        result = crawl(database_url, allowed.after, second, VALUES)
        assert outcomes(result) == ["confirmed"]
        assert (result.children_inserted, result.children_ended) == (0, 0)
    assert rows_of(database_url) == ids
    [[version]] = _read(database_url, "SELECT coalesce(snapshot_shape, 1) FROM offer")
    [[shapes]] = _read(database_url, "SELECT count(*) FROM snapshot_shapes")
    assert version == max(shapes, 1)
    [state] = current(database_url)
    assert state.keys() - {"sku"} == allowed.shown
    assert {n: state[n] for n in ("price", "shop") if n in state} == {
        n: VALUES[n] for n in ("price", "shop") if n in allowed.shown
    }


@pytest.mark.parametrize("change", ALLOWED)
def test_old_and_new_class_alternate(database_url: str, change: str) -> None:
    """Neither sees a change in what the other stored."""
    allowed = ALLOWED[change]
    for second in range(6):
        of = (allowed.before, allowed.after)[second % 2]
        expected = "confirmed" if second else "inserted"
        assert outcomes(crawl(database_url, of, second, VALUES)) == [expected]


def rows_of(url: str) -> dict[str, set[tuple[Any, ...]]]:
    """The ids of all rows, by table."""
    versions = _read(url, "SELECT entity_id, snapshot_id FROM offer")
    children = _read(url, "SELECT entity_id, snapshot_id, child_id FROM offer_rows")
    return {"offer": set(versions), "offer_rows": set(children)}


def _read(url: str, sql: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = list(map(tuple, connection.exec_driver_sql(sql)))
    engine.dispose()
    return rows


def test_rows_of_a_list_that_changed_get_their_new_hashes(database_url: str) -> None:
    """With their version, and so does what an older class has confirmed, but only upwards."""
    crawl(database_url, BEFORE, 0, VALUES)
    newer = with_rows({"size": str, "left": int})
    crawl(database_url, newer, 1, VALUES)
    shapes = "SELECT DISTINCT snapshot_shape FROM offer_rows"
    assert _read(database_url, shapes) == [(2,)]
    crawl(database_url, BEFORE, 2, VALUES)
    assert _read(database_url, shapes) == [(2,)]
    assert _read(database_url, "SELECT snapshot_shape FROM offer") == [(2,)]
    fewer = {**VALUES, "rows": [ROWS[0], {**ROWS[1], "left": 5}]}
    result = crawl(database_url, newer, 3, fewer)
    assert (result.children_inserted, result.children_ended) == (1, 1)


def test_a_record_of_the_same_instant_comes_second(database_url: str) -> None:
    """What was confirmed then is the state; the other content is kept as a moment."""
    crawl(database_url, BEFORE, 0, VALUES)
    result = crawl(database_url, without("shop"), 0, {**VALUES, "price": Decimal(9)})
    assert (outcomes(result), result.late) == (["revised"], 1)
    assert current(database_url)[0]["price"] == Decimal("1.50")


REFUSED = {
    "another kind": (BEFORE, without(price=int), "column price was created for decimal values"),
    "another key": (
        BEFORE,
        Class(FIELDS, {"key": ("sku", "shop")}),
        "the key was (sku) and is now",
    ),
    "another list key": (BEFORE, with_rows(ROW, "tag"), "the key was (size)"),
    "a list without key": (BEFORE, with_rows(ROW, None), "the key was (size)"),
    "more digits after the point": (
        without(price=Annotated[Decimal, Numeric(10, 2)]),
        without(price=Annotated[Decimal, Numeric(10, 4)]),
        "column price was created for 10 digits, 2 of them after the point",
    ),
    "a list that was a column": (
        without(data=dict),
        without(data=Row({"size": str})),
        "field data was one column and is now a list of rows",
    ),
    "a column that was a list": (
        BEFORE,
        without(rows=dict),
        "field rows was a list of rows and is now one column",
    ),
}


@pytest.mark.parametrize("change", REFUSED)
def test_what_cannot_go_on_is_refused(database_url: str, change: str) -> None:
    """With what differs, and the cure; nothing is altered."""
    before, after, text = REFUSED[change]
    crawl(database_url, before, 0, VALUES)
    with pytest.raises(SchemaMismatchError) as refused:
        crawl(database_url, after, 1, VALUES)
    assert text in str(refused.value)
    assert 'or give it another table with table="..."' in str(refused.value)
    assert outcomes(crawl(database_url, before, 2, VALUES)) == ["confirmed"]


# What is new to the class


STOCK = without(stock=int)
WITH_STOCK = {**VALUES, "stock": 3}
CHEAPER = {**WITH_STOCK, "price": Decimal("1.25")}


def kinds(url: str, **options: Any) -> list[tuple[str, dict[str, Any]]]:
    """The changes, oldest first: their kinds, and the new values of the fields that differ."""
    with SnapshotHistory(url) as history:
        found = list(history.changes("offer", newest_first=False, **options))
        counted = history.changes("offer", **options).count()
    assert counted == len(found)
    return [(each.kind.value, {f.field: f.new for f in each.fields}) for each in found]


NEW = ("new", {"price": Decimal("1.50"), "shop": "x"})


def test_a_new_field_with_a_value_is_an_extension(database_url: str) -> None:
    """It is stored at once, and told only to those who ask for it."""
    stock = without("shop", stock=int)
    crawl(database_url, BEFORE, 0, VALUES)
    result = crawl(database_url, stock, 1, WITH_STOCK)
    assert (outcomes(result), result.extended) == (["revised"], 1)
    assert outcomes(crawl(database_url, stock, 2, WITH_STOCK)) == ["confirmed"]
    assert kinds(database_url) == [NEW]
    assert kinds(database_url, extended=True) == [("extended", {"stock": 3})]
    [state] = current(database_url)
    assert state["stock"] == 3
    with SnapshotHistory(database_url) as history:
        assert [each.kind.value for each in history.versions("offer", "a")] == ["new", "extended"]


def test_a_new_field_beside_another_change_is_a_change(database_url: str) -> None:
    """Of what both classes have; the new field is shown from then on."""
    crawl(database_url, BEFORE, 0, VALUES)
    result = crawl(database_url, STOCK, 1, CHEAPER)
    assert (outcomes(result), result.extended) == (["revised"], 0)
    assert kinds(database_url) == [NEW, ("changed", {"price": Decimal("1.25")})]


def test_a_field_that_was_seen_empty_has_changed(database_url: str) -> None:
    """A crawl of the new class has confirmed that there was nothing, so a value is news."""
    crawl(database_url, BEFORE, 0, VALUES)
    assert outcomes(crawl(database_url, STOCK, 1, VALUES)) == ["confirmed"]
    result = crawl(database_url, STOCK, 2, WITH_STOCK)
    assert (outcomes(result), result.extended) == (["revised"], 0)
    assert kinds(database_url) == [NEW, ("changed", {"stock": 3})]


def test_rows_of_a_new_list_are_an_extension(database_url: str) -> None:
    """They are no change of what was there."""
    crawl(database_url, without("rows"), 0, VALUES)
    result = crawl(database_url, BEFORE, 1, VALUES)
    assert (outcomes(result), result.extended, result.children_inserted) == (["revised"], 1, 2)
    assert kinds(database_url) == [NEW]
    [state] = current(database_url)
    assert state["rows"] == ROWS


def test_a_removed_field_was_seen_until_then(database_url: str) -> None:
    """The past has it, also the change that it made; the present does not."""
    crawl(database_url, BEFORE, 0, VALUES)
    crawl(database_url, BEFORE, 1, {**VALUES, "shop": "y"})
    crawl(database_url, without("shop"), 2, VALUES)
    crawl(database_url, without("shop"), 3, {**VALUES, "price": Decimal(3)})
    changed = [("changed", {"shop": "y"}), ("changed", {"price": Decimal(3)})]
    assert kinds(database_url) == [NEW, *changed]
    with SnapshotHistory(database_url) as history:
        [then] = history.as_of("offer", at(1.5))
        [difference] = history.diff("offer", at(1.5), at(4))
    assert then.values["shop"] == "y"
    assert [each.field for each in difference.fields] == ["price"]
    assert "shop" not in current(database_url)[0]


def test_a_field_that_comes_back_goes_on(database_url: str) -> None:
    """Its column is the same; another value than the stored one is an extension."""
    crawl(database_url, BEFORE, 0, VALUES)
    crawl(database_url, without("shop"), 1, VALUES)
    assert outcomes(crawl(database_url, BEFORE, 2, VALUES)) == ["confirmed"]
    crawl(database_url, without("shop"), 3, VALUES)
    result = crawl(database_url, BEFORE, 4, {**VALUES, "shop": "z"})
    assert (outcomes(result), result.extended) == (["revised"], 1)
    assert kinds(database_url) == [NEW]


def test_a_limit_is_widened_in_the_table(database_url: str) -> None:
    """A value that was refused before is stored."""
    crawl(database_url, without(shop=Annotated[str, String(5)]), 0, VALUES)
    longer = {**VALUES, "shop": "abcdefghij"}
    crawl(database_url, without(shop=Annotated[str, String(20)]), 1, longer)
    assert current(database_url)[0]["shop"] == "abcdefghij"


def test_a_crawl_that_runs_meets_a_newer_class(database_url: str) -> None:
    """It looks at the tables again, and sees no change in what the newer one has confirmed."""
    with closing(Crawler(database_url, BEFORE)) as old:
        old.crawl(0, [VALUES])
        crawl(database_url, without("shop", stock=int), 1, VALUES)
        assert outcomes(old.crawl(2, [VALUES])) == ["confirmed"]
        result = old.crawl(3, [{**VALUES, "price": Decimal(7)}])
        assert (outcomes(result), result.children_inserted) == (["revised"], 0)


def test_late_records_are_compared_as_well(database_url: str) -> None:
    """With a version of another class that ended long ago, and with its rows."""
    crawl(database_url, BEFORE, 0, VALUES)
    crawl(database_url, BEFORE, 4, {**VALUES, "price": Decimal(2)})
    crawl(database_url, without("shop"), 6, {**VALUES, "price": Decimal(2)})
    result = crawl(database_url, without("shop"), 2, VALUES)
    assert (outcomes(result), result.late, result.children_inserted) == (["confirmed"], 0, 0)


def test_a_frozen_class_is_only_checked(database_url: str) -> None:
    """A known shape is used, a new one refused, with the setting and what differs."""
    crawl(database_url, BEFORE, 0, VALUES)
    assert outcomes(crawl(database_url, BEFORE, 1, VALUES, evolve=False)) == ["confirmed"]
    with pytest.raises(SchemaMismatchError) as refused:
        crawl(database_url, STOCK, 2, VALUES, evolve=False)
    assert str(refused.value) == (
        "table offer: column stock was not declared and is now declared; SNAPSHOT_EVOLUTION is "
        '"frozen", so restore the declaration, or set SNAPSHOT_EVOLUTION = "additive"'
    )
    with pytest.raises(SchemaMismatchError, match=r"SNAPSHOT_CREATE_TABLES is off.*snapshots init"):
        crawl(database_url, STOCK, 2, VALUES, create_tables=False)


def test_somebody_elses_column_is_left_alone(database_url: str) -> None:
    """If it may be NULL; else no row could be written."""
    crawl(database_url, BEFORE, 0, VALUES)
    _execute(database_url, "ALTER TABLE offer ADD COLUMN note TEXT")
    assert outcomes(crawl(database_url, STOCK, 1, WITH_STOCK)) == ["revised"]
    _execute(database_url, "UPDATE offer SET note = 'mine'")
    assert "note" not in current(database_url)[0]


def test_a_column_that_was_removed_by_hand_is_named(database_url: str) -> None:
    """A crawl would fail in the middle."""
    crawl(database_url, BEFORE, 0, VALUES)
    for view in ("offer_current", "offer_changes"):
        _execute(database_url, f"DROP VIEW {view}")
    _execute(database_url, "ALTER TABLE offer DROP COLUMN shop")
    with pytest.raises(SchemaMismatchError, match="table offer was altered by hand: it lacks shop"):
        crawl(database_url, BEFORE, 1, VALUES)


def _execute(url: str, sql: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(sql)
    engine.dispose()


def test_views_follow_the_class(database_url: str) -> None:
    """The current one shows what the class has now; that of changes leaves out extensions."""
    crawl(database_url, BEFORE, 0, VALUES)
    crawl(database_url, without("shop", stock=int), 1, WITH_STOCK)
    crawl(database_url, without("shop", stock=int), 2, {**WITH_STOCK, "price": Decimal(3)})
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        [now] = connection.exec_driver_sql("SELECT * FROM offer_current").mappings()
        changes = connection.exec_driver_sql(
            "SELECT kind, old_price, new_price, new_stock FROM offer_changes ORDER BY changed_at"
        ).all()
    engine.dispose()
    assert {"shop", "stock"} & now.keys() == {"stock"}
    assert [tuple(map(_number, each)) for each in changes] == [
        ("new", None, 1.5, None),
        ("changed", 1.5, 3, 3),
    ]


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, (Decimal, int)) else value


def test_what_is_untracked_in_items_without_types_may_change(database_url: str) -> None:
    """As in a class with types: nothing is a change that was none."""
    seen = {"sku": "a", "price": 1, "at": "10:00"}

    def see(second: float, item: Mapping[str, Any], *untracked: str) -> list[str]:
        options = {"key": "sku", "table": "loose", "untracked": untracked}
        declaration = Declarations({dict: options}).of(dict)
        assert declaration is not None
        store = SnapshotStore(connect_engine(database_url, connect_timeout=10))
        with closing(store):
            store.declare([declaration])
            record = compile_capture(declaration)(item, at(second), RUN)
            return outcomes(store.write(Batch((record,))))

    assert see(0, seen) == ["inserted"]
    assert see(1, seen, "at") == ["confirmed"]
    assert see(2, {**seen, "at": "11:00"}, "at") == ["confirmed"]
    assert see(3, {**seen, "price": 2}, "at") == ["revised"]
    assert see(4, {**seen, "price": 2}) == ["confirmed"]
