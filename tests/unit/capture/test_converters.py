"""Single values with what is untracked in them; `test_coerce` has the rest of what they become."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scrapy_snapshot_pipeline.capture.converters import ConvertParts, parts_converter
from scrapy_snapshot_pipeline.capture.values.coerce_error import CoerceError
from scrapy_snapshot_pipeline.capture.values.notices import Notice
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role

PARIS = ZoneInfo("Europe/Paris")


def converter(annotation: object = Any, **options: Any) -> ConvertParts:
    """For a field `x`, of whose value `b` is untracked."""
    column = Column("x", Kind.JSON, Role.TRACKED, annotation, untracked_paths=("b",))
    return parts_converter(column, PARIS, **options)


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (
            {"b": 2, "a": 1},
            ('{"a":1,"b":2}', r',"x:json":"{\"a\":1}"', r',"x:json":"{\"b\":2}"'),
        ),
        ({"a": 1}, ('{"a":1}', r',"x:json":"{\"a\":1}"', "")),
        (None, (None, "", "")),
    ],
    ids=["both", "nothing untracked", "None"],
)
def test_what_is_untracked_is_stored_and_encoded_apart(value: object, parts: object) -> None:
    """Nothing is encoded where there is nothing."""
    assert converter()(value) == parts


def test_inner_values_are_those_of_the_type_in_the_zone() -> None:
    """And what is taken by a rule is noted, with the field."""
    notices: list[tuple[Notice, str]] = []
    convert = converter(
        dict[str, dt.datetime], notify=lambda notice, path: notices.append((notice, path))
    )
    twice = dt.datetime(2024, 10, 27, 2, 30)  # noqa: DTZ001 - that it has no zone is the point
    assert convert({"a": twice})[0] == '{"a":"2024-10-27T00:30:00.000000Z"}'
    assert notices == [(Notice.AMBIGUOUS, ".x")]
    assert converter(dict[str, Decimal])({"a": 1.5})[0] == '{"a":"1.5"}'


class Broken(dt.datetime):
    """A datetime without any of its methods."""

    def utcoffset(self) -> Any:
        """Fail, as there is no time."""
        raise TypeError("hunter2")


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [
        ([object()], ".x[0]", "expected a value that JSON can hold, got object"),
        (Broken(2024, 5, 1), ".x", "TypeError was raised while the value was read"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused(value: object, path: str, problem: str) -> None:
    """With its field."""
    with pytest.raises(CoerceError) as caught:
        converter()(value)
    assert (caught.value.path, caught.value.problem) == (path, problem)
