"""Columns selected and read, and values as numbers."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role
from scrapy_snapshot_pipeline.history.values import (
    OwnColumns,
    bytes_id,
    normal_json_text,
    stored_id,
    stored_uuid,
    to_number,
)

ID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
COLUMNS = (
    Column("sku", Kind.TEXT, Role.KEY),
    Column("prices", Kind.JSON, Role.TRACKED),
    Column("stock", Kind.INTEGER, Role.TRACKED),
    Column("rate", Kind.FLOAT, Role.TRACKED),
    Column("raw", Kind.BYTES, Role.TRACKED),
)
POSTGRESQL, SQLITE = (
    sa.make_url(f"{name}://").get_dialect()() for name in ("postgresql", "sqlite")
)
UNTYPED = (Column("sku", Kind.TEXT, Role.KEY), Column("data", Kind.JSON, Role.TRACKED))


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (Decimal("1.50"), Decimal("1.50")),
        (3, Decimal(3)),
        (0.1, Decimal("0.1")),
        ("2.50", Decimal("2.50")),
        ("two", None),
        ("", None),
        (True, None),
        (None, None),
        ([1], None),
        (float("nan"), None),
        ("Infinity", None),
        (Decimal("NaN"), None),
    ],
)
def test_number_is_exact_or_none(value: object, number: Decimal | None) -> None:
    """A float is what it is written as; a bool and what is not finite are no numbers."""
    assert to_number(value) == number


def test_values_are_read_by_kind() -> None:
    """A driver may return a number or bytes as a class of its own."""
    found = OwnColumns(COLUMNS).read(("a", '{"b": 1}', Decimal(7), Decimal("0.5"), bytearray(b"x")))
    assert found == {"sku": "a", "prices": {"b": 1}, "stock": 7, "rate": 0.5, "raw": b"x"}
    assert [type(found[name]) for name in ("stock", "rate", "raw")] == [int, float, bytes]


def test_none_stays_none() -> None:
    """Of every kind."""
    assert set(OwnColumns(COLUMNS).read(("a", None, None, None, None)).values()) == {"a", None}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"b": {"z": 1, "a": 2}, "a": 0}', {"a": 0, "b": {"a": 2, "z": 1}}),
        ('{"big": 1e16}', {"big": 10**16}),
        ('{"big": 10000000000000000}', {"big": 10**16}),
        ('{"small": 2.0}', {"small": 2.0}),
        ('{"odd": 1e400}', {"odd": float("inf")}),
    ],
)
def test_json_is_the_same_from_every_database(text: str, value: object) -> None:
    """Names are sorted, and a large float without a fraction is an integer, as JSONB has it."""
    found = OwnColumns(COLUMNS).read(("a", text, 1, 1.0, b""))["prices"]
    assert repr(found) == repr(value)


@pytest.mark.parametrize("text", ['{"b": 10.0, "a": [1]}', '{"a":[1e0],"b":10}'])
def test_json_of_equal_values_has_one_normal_text(text: str) -> None:
    """However a database writes it."""
    assert normal_json_text(text) == '{"a":[1],"b":10}'


def test_untyped_fields_take_the_place_of_their_column() -> None:
    """Also where there are none."""
    columns = OwnColumns(UNTYPED, untyped=True)
    assert columns.read(("a", '{"title": "x", "stock": 3}')) == {
        "sku": "a",
        "title": "x",
        "stock": 3,
    }
    assert columns.read(("a", None)) == {"sku": "a"}


def test_columns_can_be_narrowed_to_the_key_and_some_others() -> None:
    """Of an untyped class they cannot: one column has all its fields."""
    assert [c.name for c in OwnColumns(COLUMNS).only({"rate"}).columns] == ["sku", "rate"]
    untyped = OwnColumns(UNTYPED, untyped=True)
    assert untyped.only({"stock"}) is untyped


def test_key_is_the_part_of_the_values() -> None:
    """In the order of the columns."""
    assert OwnColumns(COLUMNS).key({"stock": 1, "sku": "a"}) == {"sku": "a"}


def test_json_is_selected_as_text() -> None:
    """So that no driver parses it in its own way."""
    table = sa.table("t", *(sa.column(column.name) for column in COLUMNS))
    selected = [str(each) for each in OwnColumns(COLUMNS).selected(table)]
    assert selected == ["t.sku", "CAST(t.prices AS TEXT)", "t.stock", "t.rate", "t.raw"]


@pytest.mark.parametrize("raw", [ID.bytes, str(ID), ID.hex, ID, None])
def test_id_is_read_as_bytes(raw: object) -> None:
    """Whether a driver returns bytes, text or a UUID."""
    column = stored_id(sa.column("id"))
    read = column.type.result_processor(POSTGRESQL, None)
    assert read is not None
    assert read(raw) == (None if raw is None else ID.bytes)


def test_id_of_sqlite_is_bytes_already() -> None:
    """Nothing is done for each of them."""
    assert stored_id(sa.column("id")).type.result_processor(SQLITE, None) is None


@pytest.mark.parametrize("raw", [str(ID), ID, None])
def test_uuid_is_read_as_one(raw: object) -> None:
    """Whether a driver returns text or a UUID."""
    read = stored_uuid(sa.column("id")).type.result_processor(POSTGRESQL, None)
    assert read is not None
    assert read(raw) == (None if raw is None else ID)


def test_bytes_of_an_id_make_it_again() -> None:
    """As PostgreSQL shows it."""
    assert bytes_id(ID.bytes) == ID
