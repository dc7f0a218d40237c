"""The canonical encoding is a law: these bytes must never change."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.capture import canonical
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role
from scrapy_snapshot_pipeline.records import seen_at, snapshot_id

UTC = dt.timezone.utc


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Kind.TEXT, 'é "x" \\', r'"é \"x\" \\"'),
        (Kind.ENUM, "red", '"red"'),
        (Kind.INTEGER, -3, "-3"),
        (Kind.FLOAT, 0.1, "0.1"),
        (Kind.FLOAT, 1e16, "1e+16"),
        (Kind.BOOLEAN, True, "true"),
        (Kind.DECIMAL, Decimal("1.10"), '"1.1"'),
        (Kind.DECIMAL, Decimal("1E+3"), '"1000"'),
        (Kind.DECIMAL, Decimal(100), '"100"'),
        (Kind.DECIMAL, Decimal("0.00000010"), '"0.0000001"'),
        (Kind.DECIMAL, Decimal("-0.00"), '"0"'),
        (Kind.DATETIME, dt.datetime(2024, 5, 1, 12, tzinfo=UTC), '"2024-05-01T12:00:00.000000Z"'),
        (
            Kind.DATETIME,
            dt.datetime(2024, 5, 1, 12, 0, 0, 7, UTC),
            '"2024-05-01T12:00:00.000007Z"',
        ),
        (Kind.DATE, dt.date(2024, 5, 1), '"2024-05-01"'),
        (Kind.TIME, dt.time(12, 30), '"12:30:00.000000"'),
        (Kind.UUID, uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (Kind.BYTES, b"\x00\xff", '"AP8="'),
        (Kind.JSON, '{"a":1}', r'"{\"a\":1}"'),
    ],
)
def test_a_value_has_one_encoding(kind: Kind, value: object, text: str) -> None:
    """Tagged with the field's name and kind."""
    write = canonical.field_text(Column("x", kind, Role.TRACKED))
    assert canonical.row_bytes(write(value)).decode() == f'{{"x:{kind.value}":{text}}}'


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_equal_decimals_have_equal_texts(number: Decimal) -> None:
    """Trailing zeros and the process's decimal context change nothing."""
    text = canonical.decimal_text(number)
    assert Decimal(text) == number
    with localcontext() as context:
        context.prec = 2
        padded = Decimal(format(number, "f") + "000")
        assert canonical.decimal_text(padded) == text


def test_no_digit_of_a_decimal_is_lost() -> None:
    """However many there are, and whatever the process's own context says."""
    digits = "1234567890" * 90
    assert canonical.decimal_text(Decimal(f"{digits}E+50")) == digits + "0" * 50
    assert canonical.decimal_text(Decimal(f"{digits}E-950")) == f"0.{'0' * 50}{digits[:-1]}"


def test_hashes_are_pinned() -> None:
    """On every Python and platform alike; another result makes a version of every entity."""
    key, path = b'{"url:text":"http://example.com/"}', canonical.encode_path(("markets",))
    child = canonical.child_ids(None, path)(key)
    row = canonical.row_hash(b'{"price:decimal":"1.1"}')
    assert path == b'["markets"]'
    assert canonical.entity_id(key).hex() == "63a5b388072e7b34118269e74ee3e1ee"
    assert child.hex() == "c66d12a9e869260bd8dec62268472579"
    assert canonical.child_ids(child, path)(key).hex() == "aca50da1931d9287ec0a762ddcafb415"
    assert row.hex() == "dc9fa570176e29e13e50f4b44565001b"
    assert (
        canonical.record_hash(b"{}", [(path, [child + row])]).hex()
        == "c993d322b53b75254eae60fb5b19ac23"
    )


def test_empty_lists_change_no_hash() -> None:
    """So a list may be added to a class without new versions."""
    assert canonical.record_hash(b"{}", [(b'["a"]', [])]) == canonical.record_hash(b"{}", [])


def test_rows_count_in_any_order() -> None:
    """Only which rows there are matters."""
    rows = [bytes([n]) * 32 for n in range(3)]
    hashes = {canonical.record_hash(b"{}", [(b"[]", order)]) for order in (rows, rows[::-1])}
    assert len(hashes) == 1


def test_snapshot_ids_sort_by_time_and_fit_64_bits() -> None:
    """Before and after 2020, up to the ends of the range."""
    times = [dt.datetime(year, 1, 1, tzinfo=UTC) for year in (1949, 2019, 2020, 2024, 2091)]
    ids = [snapshot_id(time, b"\xff" * 16) for time in times]
    assert ids == sorted(ids)
    assert all(-(2**63) <= number < 2**63 for number in ids)
    assert snapshot_id(times[2], bytes.fromhex("abcdef") + bytes(13)) == 0xABC


@pytest.mark.parametrize("year", [1900, 2100])
def test_a_time_out_of_range_is_refused(year: int) -> None:
    """Rather than wrapped around."""
    with pytest.raises(OverflowError):
        snapshot_id(dt.datetime(year, 1, 1, tzinfo=UTC), bytes(16))


@given(st.integers(-(2**51), 2**51 - 1), st.binary(min_size=16, max_size=16))
def test_a_snapshot_id_holds_the_time_of_its_observation(
    microseconds: int, content_hash: bytes
) -> None:
    """To the microsecond, over the whole range, whatever the content."""
    time = dt.datetime(2020, 1, 1, tzinfo=UTC) + dt.timedelta(microseconds=microseconds)
    assert seen_at(snapshot_id(time, content_hash)) == time


def test_stored_json_is_read_in_its_one_form() -> None:
    """A number without a fraction is an integer, as in the text that is hashed."""
    assert repr(canonical.read_json('{"a":[1.0,1e2,1.5],"b":null}')) == (
        "{'a': [1, 100, 1.5], 'b': None}"
    )
