"""The compiled function reads a row as the function of each column would."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.capture.canonical import row_bytes
from scrapy_snapshot_pipeline.capture.cells import ABSENT, cell_reader
from scrapy_snapshot_pipeline.capture.coerce import CoerceError
from scrapy_snapshot_pipeline.capture.row_reader import Row, row_reader
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role

UTC = dt.timezone.utc
LONDON_SUMMER = dt.timezone(dt.timedelta(hours=1))
ODD_NAME = """say "x"'s {name}\n\\"""

scraped = (
    st.none()
    | st.text()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1])
    | st.floats()
    | st.decimals()
    | st.decimals(places=3, allow_nan=False, allow_infinity=False)
    | st.sampled_from([Decimal("1E+999999"), Decimal("-0.00"), Decimal(100), Decimal("1e-7")])
    | st.datetimes(timezones=st.sampled_from([UTC, LONDON_SUMMER]) | st.none())
)


def by_columns(column: Column, value: object) -> Row:
    """A row of a key and `column`, a function a column."""
    stored, text = cell_reader(column, None)(value)
    encoded = row_bytes(text)
    if isinstance(stored, str) and "\x00" in stored:
        raise CoerceError("NUL")
    return ("k", stored), b'{"key:text":"k"}', encoded, len(b'{"key:text":"k"}') + len(encoded)


def outcome(read: Any, *given: object) -> tuple[str, ...]:
    """Row or refusal, by type and text, since equal decimals may differ in their zeros."""
    try:
        values, *encoded = read(*given)
    except (CoerceError, UnicodeEncodeError):
        return ("refused",)
    return (type(values[1]).__name__, str(values[1]), *map(str, encoded))


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.ENUM])
@given(value=scraped)
def test_a_row_is_read_as_its_columns_are(kind: Kind, value: object) -> None:
    """Whatever was scraped for it, and whatever the field is called."""
    column = Column(ODD_NAME, kind, Role.TRACKED)
    read = row_reader(dict, [Column("key", Kind.TEXT, Role.KEY), column], None)
    item = {"key": "k", ODD_NAME: value}
    assert outcome(read, item, 0) == outcome(by_columns, column, value)


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.DECIMAL])
@given(value=st.text(max_size=9) | st.decimals(-9999, 9999, places=4))
def test_a_limit_of_the_column_is_kept(kind: Kind, value: object) -> None:
    """A value of the right type is not taken as it is where the column has a limit."""
    column = Column("x", kind, Role.TRACKED, None, None, 4, 6, 2)
    read = row_reader(dict, [Column("key", Kind.TEXT, Role.KEY), column], None)
    assert outcome(read, {"key": "k", "x": value}, 0) == outcome(by_columns, column, value)


def test_a_row_is_sorted_by_name_and_leaves_out_none() -> None:
    """The order of the columns does not matter."""
    columns = [Column(name, Kind.INTEGER, Role.TRACKED) for name in ("b", "a", "c")]
    values, _, tracked, _ = row_reader(dict, columns, None)({"b": 1, "a": 2}, 0)
    assert (values, tracked) == ((1, 2, None), b'{"a:integer":2,"b:integer":1}')


def test_the_roles_are_encoded_apart() -> None:
    """Key and tracked fields for their hashes, untracked ones for the size only."""
    columns = [
        Column("url", Kind.TEXT, Role.UNTRACKED),
        Column("id", Kind.TEXT, Role.KEY),
        Column("price", Kind.INTEGER, Role.TRACKED),
    ]
    read = row_reader(dict, columns, None)
    _, key, tracked, size = read({"url": "u", "id": "k", "price": 1}, 0)
    assert (key, tracked) == (b'{"id:text":"k"}', b'{"price:integer":1}')
    assert size == len(key) + len(tracked) + len(b'{"url:text":"u"}')


def test_a_row_without_a_key_has_its_position_first() -> None:
    """Also where it has no field of its own."""
    place = Column("position", Kind.INTEGER, Role.KEY)
    empty = dataclasses.make_dataclass("Empty", [])
    values, key, _, _ = row_reader(empty, [place], None, positional=True)(empty(), 3)
    assert (values, key) == ((3,), b'{"position:integer":3}')


def test_a_field_may_have_the_name_of_a_keyword() -> None:
    """As only a class that is not written in Python can have."""
    item = type("Odd", (), {"class": "x", "1st": "y"})
    columns = [Column("class", Kind.TEXT, Role.KEY), Column("1st", Kind.TEXT, Role.TRACKED)]
    assert row_reader(item, columns, None)(item(), 0)[0] == ("x", "y")


def test_none_is_absent_and_has_no_text() -> None:
    """In every kind."""
    for kind in (Kind.TEXT, Kind.DECIMAL, Kind.INTEGER, Kind.JSON):
        assert cell_reader(Column("x", kind, Role.TRACKED), None)(None) == ABSENT
