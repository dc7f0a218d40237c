"""Keys as callers give them.

How a stored entity is looked up is in tests/history/test_snapshot_history.py.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.keys import (
    Key,
    Where,
    _no_such,
    conditions,
    entity_id,
    read_key,
)

DAY = dt.date(2026, 1, 2)


class Colour(enum.Enum):
    """A key with a type of its own."""

    RED = "red"


@snapshot(key=("sku", "colour", "day"), table="thing")
@dataclass
class Thing:
    """A key of three kinds, not in the order of their names."""

    sku: int
    colour: Colour
    day: dt.date
    price: Decimal


@snapshot(key="name", table="lone")
@dataclass
class Lone:
    """A key of one field."""

    name: str


def declaration_of(item_class: type) -> Declaration:
    """What the class comes to."""
    found = Declarations().of(item_class)
    assert found is not None
    return found


THING, LONE = declaration_of(Thing), declaration_of(Lone)
TABLE = sa.table("v", *map(sa.column, ("entity_id", "sku", "colour", "day")))


def sql(where: Where) -> list[str]:
    """The conditions with their values."""
    return [
        str(each.compile(compile_kwargs={"literal_binds": True}))
        for each in conditions(THING, TABLE, where)
    ]


@pytest.mark.parametrize(
    "key",
    [
        {"sku": 12, "colour": "red", "day": DAY},
        {"day": "2026-01-02", "colour": Colour.RED, "sku": "12"},
        (12, "red", DAY),
        ["12", "red", "2026-01-02"],
    ],
)
def test_key_is_understood_by_name_and_in_order(key: Key) -> None:
    """As values or as text."""
    assert read_key(THING, key) == {"sku": 12, "colour": "red", "day": DAY}


@pytest.mark.parametrize("key", ["abc", ["abc"], {"name": "abc"}])
def test_lone_value_is_a_key_of_one_field(key: Key) -> None:
    """Its characters are not values."""
    assert read_key(LONE, key) == {"name": "abc"}


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (12, r"the key of thing has 3 fields \(sku, colour, day\), but got 1 value$"),
        ((12, "red"), "but got 2 values"),
        ({"sku": 12, "size": 1}, "the key of thing consists of sku, colour, day"),
        (("twelve", "red", DAY), r"^thing\.sku: expected "),
        ((None, "red", DAY), r"^thing\.sku is part of the key"),
    ],
)
def test_key_without_sense_is_refused(key: Key, problem: str) -> None:
    """The error says what the key consists of, and never shows a value."""
    with pytest.raises(HistoryError, match=problem) as caught:
        read_key(THING, key)
    assert "twelve" not in str(caught.value)


def test_id_is_that_of_the_captured_item() -> None:
    """The same on the way in and on the way out, without a database."""
    capture = compile_capture(THING)
    item = Thing(12, Colour.RED, DAY, Decimal(1))
    record = capture(item, dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc), uuid.UUID(int=1))
    assert entity_id(THING, read_key(THING, ("12", "red", "2026-01-02"))) == record.entity_id


@pytest.mark.parametrize("where", [None, {}])
def test_no_filter_is_no_condition(where: Where) -> None:
    """All entities are meant."""
    assert sql(where) == []


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"sku": "12"}, ["v.sku = 12"]),
        ({"colour": "red", "sku": [1, "2"]}, ["v.colour = 'red'", "v.sku IN (1, 2)"]),
        ({"sku": (7,)}, ["v.sku = 7"]),
    ],
)
def test_filter_is_a_condition_for_each_field(
    where: Mapping[str, object], expected: list[str]
) -> None:
    """Several values of a field mean any of them."""
    assert sql(where) == expected


def test_filter_without_a_value_lets_nothing_through() -> None:
    """None of no values is met."""
    one = sa.select(sa.literal(1).label("sku")).subquery()
    [condition] = conditions(THING, one, {"sku": []})
    with sa.create_engine("sqlite://").connect() as connection:
        assert len(connection.execute(one.select()).all()) == 1
        assert not connection.execute(one.select().where(condition)).all()


def test_whole_key_is_looked_up_by_its_id() -> None:
    """One index entry instead of a search by fields."""
    key = {"sku": 12, "colour": "red", "day": DAY}
    [condition] = conditions(THING, TABLE, {name: [value] for name, value in key.items()})
    assert str(condition) == "v.entity_id = :entity_id_1"
    assert condition.compile().params == {"entity_id_1": entity_id(THING, key)}


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ({"price": 1}, "price is not a key field of thing; filter by sku, colour, day"),
        ({"sku": None}, r"thing\.sku is part of the key, which is never None"),
        ({"day": ["2026-01-02", "soon"]}, r"thing\.day: expected "),
    ],
)
def test_filter_without_sense_is_refused(where: Where, problem: str) -> None:
    """The error says what can be filtered by."""
    with pytest.raises(HistoryError, match=problem):
        sql(where)


@pytest.mark.parametrize(
    ("near", "end"),
    [
        ([], "with key arsenal"),
        ([{"name": "something else"}], "with key arsenal"),
        ([{"name": "arsenol"}] * 2, "; 1 similar key: arsenol"),
        (
            [{"name": f"arsena{n}"} for n in range(5)],
            "; 3 similar keys: arsena4; arsena3; arsena2",
        ),
    ],
)
def test_unknown_key_is_answered_with_similar_ones(
    near: list[Mapping[str, object]], end: str
) -> None:
    """The most similar ones, each once, and not those that only lie beside it."""
    assert _no_such(LONE, {"name": "arsenal"}, near).endswith(end)
