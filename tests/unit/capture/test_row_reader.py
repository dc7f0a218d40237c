"""The generated function reads a row as the converter of each column would."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import textwrap
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.capture import row_reader as module
from scrapy_snapshot_pipeline.capture.canonical import row_bytes
from scrapy_snapshot_pipeline.capture.converters import field_converter
from scrapy_snapshot_pipeline.capture.row_reader import Row, field_getter, row_reader, row_source
from scrapy_snapshot_pipeline.capture.values.coerce_error import CoerceError
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
    """A row of a key and `column`, made by the converter of the column."""
    stored, text = field_converter(column, None)(value)
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


def test_the_function_in_the_docstring_is_the_one_that_is_generated() -> None:
    """Word for word, for the table that the docstring names."""
    columns = [
        Column("url", Kind.TEXT, Role.KEY),
        Column("price", Kind.DECIMAL, Role.TRACKED),
        Column("in_stock", Kind.BOOLEAN, Role.UNTRACKED),
    ]
    shown = textwrap.indent(row_source(columns, mapping=False), "    ")
    assert f"\n\n{shown}\n" in str(module.__doc__)


POSITIONAL = """\
def read(item, position):
    try:
        value0 = position
        value1 = item.get('seen')
        value2 = item.get('class')
    except AttributeError:
        raise never_set(item, ['seen', 'class']) from None
    except Exception:
        raise unreadable(item, ['seen', 'class']) from None
    if value0 is None:
        raise no_key('position')
    elif type(value0) is int and -9223372036854775808 <= value0 <= 9223372036854775807:
        text0 = tag0 + str(value0)
    else:
        value0, text0 = convert0(value0)
    if value1 is None:
        text1 = ''
    elif type(value1) is datetime and value1.tzinfo is utc:
        text1 = f'{tag1}"{datetime_text(value1)}"'
    else:
        value1, text1 = convert1(value1)
    if value2 is None:
        text2 = ''
    else:
        value2, text2 = convert2(value2)
    values = (value0, value1, value2,)
    try:
        fields = f'{text0}'
        key = f'{{{fields[1:]}}}'.encode()
        fields = f'{text2}{text1}'
        tracked = f'{{{fields[1:]}}}'.encode()
    except UnicodeEncodeError:
        raise lone_surrogates(['position', 'seen', 'class'], values) from None
    if nul in key or nul in tracked:
        refuse_nul(['position', 'seen', 'class'], values)
    return values, key, tracked, len(key) + len(tracked)
"""


def test_the_function_for_positional_rows_of_mappings_is_pinned() -> None:
    """With the kinds that the docstring does not show, and a text that has a limit."""
    columns = [
        Column("position", Kind.INTEGER, Role.KEY),
        Column("seen", Kind.DATETIME, Role.TRACKED),
        Column("class", Kind.TEXT, Role.TRACKED, length=4),
    ]
    assert row_source(columns, mapping=True, positional=True) == POSITIONAL


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
    position = Column("position", Kind.INTEGER, Role.KEY)
    empty = dataclasses.make_dataclass("Empty", [])
    values, key, _, _ = row_reader(empty, [position], None, positional=True)(empty(), 3)
    assert (values, key) == ((3,), b'{"position:integer":3}')


def test_a_field_may_have_the_name_of_a_keyword() -> None:
    """As only a class that is not written in Python can have."""
    item = type("Odd", (), {"class": "x", "1st": "y"})
    columns = [Column("class", Kind.TEXT, Role.KEY), Column("1st", Kind.TEXT, Role.TRACKED)]
    assert row_reader(item, columns, None)(item(), 0)[0] == ("x", "y")


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.ENUM])
def test_none_stays_none_and_has_no_text(kind: Kind) -> None:
    """In every kind."""
    assert field_converter(Column("x", kind, Role.TRACKED), None)(None) == (None, "")


CURES = {
    "a key field is missing or None": (
        "fill it in the spider, or drop the item before this pipeline"
    ),
    "expected text without NUL characters": "remove them in the spider",
    "expected text without lone surrogates": "remove them in the spider",
    "expected str, got list": "convert it in the spider, or change the field's type",
}


@pytest.mark.parametrize(
    ("item", "path", "said"),
    [
        ({"key": None, "x": "a"}, ".key", "a key field is missing or None"),
        ({"x": "a"}, ".key", "a key field is missing or None"),
        ({"key": "k", "x": "a\x00"}, ".x", "expected text without NUL characters"),
        ({"key": "k\ud800"}, ".key", "expected text without lone surrogates"),
        ({"key": "k", "x": "a\udfff"}, ".x", "expected text without lone surrogates"),
        ({"key": "k", "x": []}, ".x", "expected str, got list"),
    ],
)
def test_a_row_that_cannot_be_stored_is_refused_with_its_field(
    item: object, path: str, said: str
) -> None:
    """Some of it is only found in the encoded row."""
    columns = [Column("key", Kind.TEXT, Role.KEY), Column("x", Kind.TEXT, Role.TRACKED)]
    with pytest.raises(CoerceError) as caught:
        row_reader(dict, columns, None)(item, 0)
    assert caught.value.path == path
    assert caught.value.problem == said
    assert caught.value.cure == CURES[said]


def test_a_field_whose_name_cannot_be_encoded_is_not_named() -> None:
    """No value is at fault."""
    columns = [Column("key", Kind.TEXT, Role.KEY), Column("\ud800", Kind.TEXT, Role.TRACKED)]
    with pytest.raises(CoerceError) as caught:
        row_reader(dict, columns, None)({"key": "k", "\ud800": "a"}, 0)
    assert caught.value.problem == "expected text without lone surrogates"
    assert caught.value.path == ""


def test_a_backslash_before_u0000_is_no_nul() -> None:
    """Though the encoded row has the same bytes in it."""
    columns = [Column("key", Kind.TEXT, Role.KEY)]
    assert row_reader(dict, columns, None)({"key": "\\u0000"}, 0)[0] == ("\\u0000",)


class Slotted:
    """Its fields may be without a value."""

    __slots__ = ("key", "x")
    key: str
    x: str


def never_set(read: Callable[[], object]) -> str:
    """The path of the field that was never set."""
    with pytest.raises(CoerceError, match="the field was never set") as caught:
        read()
    return caught.value.path


def test_a_field_that_was_never_set_is_refused() -> None:
    """By the function for a row, and by that for one field."""
    item = Slotted()
    item.key = "k"
    columns = [Column("key", Kind.TEXT, Role.KEY), Column("x", Kind.TEXT, Role.TRACKED)]
    read, get = row_reader(Slotted, columns, None), field_getter(Slotted, "x")
    assert never_set(lambda: read(item, 0)) == ".x"
    assert never_set(lambda: get(item)) == ".x"


def test_a_field_of_a_mapping_is_looked_up() -> None:
    """One that it does not have is None, as in a row."""
    assert field_getter(dict, "x")({"x": 1}) == 1
    assert field_getter(dict, "x")({}) is None


class Moody:
    """Its property raises what it is told to, in turn, and then has a value."""

    def __init__(self, *errors: Exception) -> None:
        self.key = "k"
        self._errors = list(errors)

    @property
    def x(self) -> str:
        """A value, once there is no error left."""
        if self._errors:
            raise self._errors.pop(0)
        return "x"


UNSET = ("the field was never set", "set it, or give the field a default")
FAILED = (
    "ValueError was raised while the value was read",
    "correct it in the spider or in the item's class",
)


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ([AttributeError(), AttributeError()], (*UNSET, ".x")),
        ([AttributeError()], (*UNSET, "")),
        ([ValueError("secret"), ValueError("secret")], (*FAILED, ".x")),
        (
            [ValueError("secret")],
            ("a field could not be read", "correct it in the item's class", ""),
        ),
    ],
    ids=["never there", "there when asked again", "unreadable", "readable when asked again"],
)
def test_a_row_whose_field_cannot_be_read_is_refused(
    errors: list[Exception], said: tuple[str, str, str]
) -> None:
    """With the field, if it fails again; what the item's code has said is not shown."""
    columns = [Column("key", Kind.TEXT, Role.KEY), Column("x", Kind.TEXT, Role.TRACKED)]
    with pytest.raises(CoerceError) as caught:
        row_reader(Moody, columns, None)(Moody(*errors), 0)
    assert (caught.value.problem, caught.value.cure, caught.value.path) == said


def test_a_field_that_cannot_be_read_is_refused() -> None:
    """By the function for one field too."""
    with pytest.raises(CoerceError) as caught:
        field_getter(Moody, "x")(Moody(ValueError("secret")))
    assert (caught.value.problem, caught.value.cure, caught.value.path) == (*FAILED, ".x")


def test_a_value_whose_own_code_fails_is_refused() -> None:
    """As an Enum may, when it is asked for a member that it does not have."""

    class Strict(enum.Enum):
        ONE = 1

        @classmethod
        def _missing_(cls, value: object) -> object:
            raise KeyError(value)

    convert = field_converter(Column("x", Kind.ENUM, Role.TRACKED, Strict), None)
    with pytest.raises(CoerceError) as caught:
        convert("secret")
    problem = "KeyError was raised while the value was read"
    assert (caught.value.problem, caught.value.cure) == (problem, FAILED[1])
    assert caught.value.path == ".x"


def test_a_naive_datetime_is_read_in_the_given_zone() -> None:
    """As a single value and in a list."""
    naive = dt.datetime(2024, 5, 1, 13)  # noqa: DTZ001 - that it has no zone is the point
    columns = [
        Column("at", Kind.DATETIME, Role.KEY),
        Column("list", Kind.JSON, Role.TRACKED, Any),
    ]
    values, _, _, _ = row_reader(dict, columns, LONDON_SUMMER)({"at": naive, "list": [naive]}, 0)
    noon = naive.replace(hour=12, tzinfo=UTC)
    assert values == (noon, '["2024-05-01T12:00:00.000000Z"]')
