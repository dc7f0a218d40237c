"""One equality for what is hashed and for what is read; and the hashes that must not change."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from scrapy_snapshot_pipeline.capture.canonical import canonical_json, normal_json, same
from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.records import SnapshotRecord
from tests.look_alikes import VALUES, pairs, plainly
from tests.unit.item_classes import Colour, Everything

NOW = dt.datetime(2024, 5, 1, 12, tzinfo=dt.timezone.utc)
RUN = uuid.UUID(int=1)
DECLARATIONS = Declarations({dict: {"key": "url", "table": "book", "untracked": "seen"}})
COLUMNS = [field.name for field in dataclasses.fields(Everything)]


def capture(item: object) -> SnapshotRecord:
    """The record of an item."""
    declaration = DECLARATIONS.of(type(item))
    assert declaration is not None
    return compile_capture(declaration)(item, NOW, RUN)


def of_field(name: str, value: object) -> SnapshotRecord:
    """The record of an item with one field set, to whatever value."""
    fields: dict[str, Any] = {"text": "k", name: value}
    return capture(Everything(**fields))


def nested_hash(value: object) -> str:
    """The hash of an item with one JSON field."""
    return of_field("nested", value).content_hash.hex()


def as_read(value: object) -> object:
    """What a reader finds in the JSON field that holds the value."""
    text = of_field("nested", value).values[COLUMNS.index("nested")]
    return None if text is None else json.loads(str(text))


@pytest.mark.parametrize(
    ("name", "value", "content_hash"),
    [
        ("whole", -3, "95eb2c55a9c16c2f98250fe2c4fd943b"),
        ("whole", 2**63 - 1, "7204bb66eee9e22e32458f62732f8b20"),
        ("real", 0.1, "f21eb4cdbd3be61b00d03222493da105"),
        ("real", 10.0, "dc700a17958ab3fdc3c9f131addc4467"),
        ("real", 1e16, "fc342532c46b9cd376cfe407b9629263"),
        ("real", 0.0, "669d31d599ca33ebef59866870cb6339"),
        ("flag", False, "e7ae81da1f099f248d4860c9f0e7fc6e"),
        ("flag", True, "bf923198b28ed61709f175b190a064ec"),
        ("amount", Decimal("1.10"), "7ba7b484fa80787ffb5b142949d03e6c"),
        ("exact", Decimal("1E+3"), "da6366a5ccefbbc8641e3d4add142beb"),
        ("exact", Decimal("-0.00"), "57abf56fb59adc13a74e7abbf4a4f83f"),
        ("moment", NOW, "df1c27a0e05d49bf0349f56909cfaec4"),
        ("day", dt.date(2024, 5, 1), "5c22cd0c9dee4805bfd18ffc817a30b5"),
        ("clock", dt.time(12, 30, 0, 7), "63746ad76b0f3b7481e97601301dcc67"),
        ("ident", RUN, "ed2a086b1036af0d5f187cf69f78237d"),
        ("raw", b"\x00\xff", "ca8c3eee0ac00af6ed4083298c832111"),
        ("colour", Colour.RED, "b20768c886bd4279ebdb5ad21dd7f86d"),
        ("colour", Colour.BLUE, "aa18b02f0cc05a095697242cdebed8e8"),
        ("nested", 10, "9f617256df136adaff9c24de93ce5efb"),
        ("nested", 0, "69f642cbbf3571d6783bb56a25973e3c"),
        ("nested", False, "0be4cbaab4693d38b3b41c578ea1dabd"),
        ("nested", True, "74808d0c5fe8c391e26d535e23c74720"),
        ("nested", "10", "291d4963ec866bac54b0fe9dbad30c21"),
        ("nested", 1.5, "4de861667282eb2c354429a9454511b6"),
        ("nested", 1e-07, "cd114d6c57043f65ea68c23632474edd"),
        ("nested", 2**70, "f6d4d4518bac880e247f6198776e6f23"),
        ("nested", Decimal("10.00"), "291d4963ec866bac54b0fe9dbad30c21"),
        ("nested", NOW, "d6295610c3af00c4ca6adb517c48183a"),
        ("nested", "", "4b4c970e398c92ae58a36c793d7781e1"),
        ("nested", [], "a9cfb972a0cee8ccff5d7d0e4c309166"),
        ("nested", {}, "98f27cb931ffb30951c9c855a5568878"),
        ("nested", {"a": None}, "1ec1a3e47e96a6d2583e612cb8b4f1dc"),
        (
            "nested",
            [1, [2.5, {"b": 'é "v1.0,"'}], None, True],
            "37f807e10f54355b5ef804de3cddf243",
        ),
        ("nested", {1, 3, 20}, "29490a071e48ebe08a7a7cca234a90d2"),
        ("nested", {10: 1, dt.date(2024, 5, 1): 2}, "f611be3423207c59fdfeee9ef83e0140"),
        (
            "prices",
            {"home": Decimal("2.00"), "away": 3, "draw": 3.5},
            "2e26b54e62cc0e6574171f11aaebd921",
        ),
    ],
)
def test_hashes_of_fields_are_pinned(name: str, value: object, content_hash: str) -> None:
    """Every stored history has them: another hash makes a version of each entity."""
    assert of_field(name, value).content_hash.hex() == content_hash


@pytest.mark.parametrize(
    ("data", "content_hash"),
    [
        ({}, "2e7265e463d6564158b170465845ed24"),
        ({"n": 10}, "594bae09233ab7d9c91b1cdace641d1c"),
        ({"n": 10.5, "s": "10", "b": False, "seen": 5}, "3a5174aca51b1ffd0fafe3b710f52cd4"),
        (
            {"d": Decimal("1.10"), "l": [1, {"x": None}], "none": None},
            "c2b8f5b3914ed11d3bacaf963bb8ab45",
        ),
    ],
)
def test_hashes_of_untyped_items_are_pinned(data: dict[str, object], content_hash: str) -> None:
    """The same for what lies in `data`."""
    assert capture({"url": "u", **data}).content_hash.hex() == content_hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (10.0, 10),
        (-0.0, 0),
        (1e16, 10**16),
        (1e23, 10**23),
        (-1.5e300, -15 * 10**299),
        ([1.0], [1]),
        ({"a": 1.0}, {"a": 1}),
        (Decimal("10.00"), Decimal(10)),
        (Decimal("1E+1"), Decimal(10)),
        ([1.0, {"a": 2.0, "b": "2.0"}], [1, {"b": "2.0", "a": 2}]),
        ({"text": "1.0, e+", "n": 3.0}, {"text": "1.0, e+", "n": 3}),
        ({1e16, 11}, {10**16, 11}),
        ({(1.0, 3), (1, 5)}, {(1, 3), (1, 5)}),
        (NOW, "2024-05-01T12:00:00.000000Z"),
    ],
)
def test_equal_values_have_one_hash(one: object, other: object) -> None:
    """However their numbers were written; and a reader finds no difference."""
    assert nested_hash(one) == nested_hash(other)
    assert same(as_read(one), as_read(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0, False),
        (1, True),
        (1.0, True),
        ([0], [False]),
        ({"a": {"b": 1}}, {"a": {"b": True}}),
        (10, "10"),
        (10, Decimal(10)),
        (1, 1.0000000000000002),
        (2**53, 2**53 + 1),
        (9007199254740992.0, 2**53 + 1),
        ({"a": None}, {}),
        ({"a": ""}, {"a": None}),
        ([], {}),
        ([1, 2], [2, 1]),
        ("\u00e9", "e\u0301"),
    ],
)
def test_other_values_have_another_hash(one: object, other: object) -> None:
    """And a reader finds the difference, also where Python takes them for equal."""
    assert nested_hash(one) != nested_hash(other)
    assert not same(as_read(one), as_read(other))


@pytest.mark.parametrize(
    ("one", "other"), [(Decimal(1), "1"), ("1", Decimal(1)), (None, "null"), (NOW, False)]
)
def test_values_of_two_kinds_are_not_equal(one: object, other: object) -> None:
    """Where only one of them is a value of JSON."""
    assert not same(one, other)


@given(pairs())
def test_hashes_and_readers_agree(pair: tuple[object, object]) -> None:
    """For any two values, and with a definition that knows nothing of encodings."""
    one, other = pair
    equal = plainly(one) == plainly(other)
    assert (nested_hash(one) == nested_hash(other)) is equal
    assert same(as_read(one), as_read(other)) is equal


@given(VALUES)
def test_a_normal_form_is_one_value_in_one_text(value: object) -> None:
    """It says the same as the text that it was made of, and is its own normal form."""
    stored = as_read(value)
    normal = normal_json(canonical_json(stored))
    assert normal_json(normal) == normal
    assert same(json.loads(normal), stored)


@pytest.mark.parametrize(
    ("value", "text"),
    [(10.0, "10.0"), (1e16, "1e+16"), ([1, 2.0], "[1,2.0]"), (-0.0, "0.0")],
)
def test_what_is_stored_is_what_was_observed(value: object, text: str) -> None:
    """Only the hash takes a float for an integer."""
    assert of_field("nested", value).values[COLUMNS.index("nested")] == text


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("real", -0.0, "0.0"),
        ("real", Decimal("-0.0"), "0.0"),
        ("amount", "-0.001", "0.00"),
        ("exact", Decimal("-0.0"), "0.0"),
    ],
)
def test_no_zero_is_negative(name: str, value: object, stored: str) -> None:
    """It is stored as the other zero, and has its hash."""
    record = of_field(name, value)
    assert str(record.values[COLUMNS.index(name)]) == stored
    assert record.content_hash == of_field(name, 0).content_hash


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("real", 10, 10.0),
        ("amount", "1.1", Decimal("1.10")),
        ("exact", Decimal("100.0"), Decimal("1E+2")),
        ("flag", 0, False),
        ("whole", 3.0, 3),
        ("moment", NOW, NOW.astimezone(dt.timezone(dt.timedelta(hours=2)))),
        ("prices", {"home": 2}, {"home": Decimal("2.00")}),
    ],
)
def test_a_declared_type_makes_values_equal(name: str, one: object, other: object) -> None:
    """What the class says of a field decides what its values are."""
    assert of_field(name, one).content_hash == of_field(name, other).content_hash


@snapshot(key="name")
@dataclasses.dataclass
class Leg:
    """A row of a row."""

    name: str
    odds: Decimal
    note: str


@snapshot(key="name")
@dataclasses.dataclass
class GeL:
    """The same, declared in another order."""

    note: str
    odds: Decimal
    name: str


@snapshot(key="name")
@dataclasses.dataclass
class Row:
    """A row with two lists."""

    name: str
    first: list[Leg]
    second: list[Leg]


@snapshot(key="name")
@dataclasses.dataclass
class WoR:
    """The same, declared in another order."""

    second: list[GeL]
    first: list[GeL]
    name: str


@snapshot(key=("shop", "sku"))
@dataclasses.dataclass
class Forward:
    """An entity with two key fields, two others and two lists."""

    shop: str
    sku: int
    price: Decimal
    title: str
    rows: list[Row]
    tags: list[Leg]


@snapshot(key=("sku", "shop"))
@dataclasses.dataclass
class Backward:
    """The same, declared in another order."""

    tags: list[GeL]
    rows: list[WoR]
    title: str
    price: Decimal
    sku: int
    shop: str


def test_the_order_of_a_class_is_no_content() -> None:
    """Fields, keys and lists may be declared in another order at any depth."""
    price = Decimal("1.50")
    one = Forward(
        shop="s",
        sku=1,
        price=price,
        title="t",
        rows=[Row("r", [Leg("a", price, "x")], [Leg("b", price, "y")])],
        tags=[Leg("c", price, "z")],
    )
    other = Backward(
        shop="s",
        sku=1,
        price=price,
        title="t",
        rows=[WoR([GeL("y", price, "b")], [GeL("x", price, "a")], "r")],
        tags=[GeL("z", price, "c")],
    )
    forward, backward = capture(one), capture(other)
    assert (forward.entity_id, forward.content_hash) == (backward.entity_id, backward.content_hash)
    rows = [
        sorted(child.id_and_hash for table in record.children for child in table)
        for record in (forward, backward)
    ]
    assert rows[0] == rows[1]
