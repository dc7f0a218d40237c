"""The line of a dead letter: what it says, and that nothing else is needed to read it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.dead_letters.format import decode, encode, read_fields, reason_of
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role
from scrapy_snapshot_pipeline.errors import (
    AbandonedError,
    BadDataError,
    Cause,
    DeadLetterError,
    OutageError,
    SystemicError,
    TooSlowError,
    WriteError,
)
from scrapy_snapshot_pipeline.records import Value
from tests.unit.dead_letters.letters import DECLARATION, KEY, line, make_letter

VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None)),
    st.binary(),
    st.decimals(allow_nan=False),
    st.datetimes(timezones=st.just(dt.timezone.utc)),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
)


@given(VALUES)
def test_a_letter_comes_back_as_it_was(value: Value) -> None:
    """Every value keeps its type and its digits, even a lone surrogate or an infinity."""
    letter = make_letter(odds=value)
    back = decode(read_fields(encode(letter, DECLARATION)), DECLARATION)
    if isinstance(value, float) and math.isnan(value):
        assert math.isnan(back.record.values[1])  # type: ignore[arg-type]
        return
    assert back == letter
    assert type(back.record.values[1]) is type(value)


def test_a_line_is_understood_without_anything_else() -> None:
    """It has table, key, time, reason, error and values, as plain JSON in ASCII."""
    fields = json.loads(encode(make_letter(odds=Decimal("1.10")), DECLARATION).decode("ascii"))
    assert fields["v"] == 1
    assert (fields["table"], fields["key"]) == ("odds", {"match": "match 1"})
    assert fields["observed_at"] == "2024-01-01T00:00:01+00:00"
    assert (fields["reason"], fields["code"]) == ("data", "22003")
    assert fields["persistence"] == "possibly_persisted"
    assert fields["values"]["odds"] == {"$t": "decimal", "v": "1.10"}
    assert fields["children"]["odds_legs"][0]["values"]["match"] == "match 1"


@pytest.mark.parametrize("end", range(0, len(line()), 7))
def test_a_torn_line_is_refused(end: int) -> None:
    """Wherever it is cut, it is no letter, and nothing of it is replayed."""
    with pytest.raises(DeadLetterError):
        read_fields(line()[:end])


def test_a_changed_line_is_refused() -> None:
    """One other digit, and the sha256 does not match."""
    with pytest.raises(DeadLetterError, match="sha256"):
        read_fields(line().replace(b"1.85", b"9.85", 1))


def test_another_declaration_is_refused() -> None:
    """The record is not forced into columns that it does not have."""
    price = Column("price", Kind.TEXT, Role.TRACKED)
    other = dataclasses.replace(DECLARATION, columns=(KEY, price))
    with pytest.raises(DeadLetterError, match="other columns than table odds"):
        decode(read_fields(line()), other)


def test_a_declaration_with_another_key_is_refused() -> None:
    """Its columns may all be there; the record would be stored under an id of nobody's."""
    columns = tuple(dataclasses.replace(column, role=Role.KEY) for column in DECLARATION.columns)
    other = dataclasses.replace(DECLARATION, columns=columns)
    with pytest.raises(DeadLetterError, match="another key than table odds"):
        decode(read_fields(line()), other)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (BadDataError("", Cause("x", "22003")), "data"),
        (BadDataError("", Cause("x", "23514")), "integrity"),
        (WriteError("", Cause("x", "SQLITE_CONSTRAINT_CHECK")), "integrity"),
        (BadDataError("", Cause("builtins.OverflowError")), "unserialisable"),
        (BadDataError("", Cause("builtins.MemoryError")), "too_large"),
        (TooSlowError("", Cause("x", "57014")), "timeout"),
        (SystemicError("", Cause("x", "42P01")), "systemic"),
        (OutageError("", Cause("x", "")), "exhausted"),
        (AbandonedError(""), "shutdown"),
        (SystemExit(), "systemic"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_the_reason_is_one_word(error: BaseException, reason: str) -> None:
    """The error decides which one."""
    assert reason_of(error) == reason
