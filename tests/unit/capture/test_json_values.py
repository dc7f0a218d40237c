"""From nested values to canonical JSON text."""

from __future__ import annotations

import collections
import datetime as dt
import math
import uuid
from collections.abc import Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Numeric, String

from scrapy_snapshot_pipeline.capture.json_values import MAX_DEPTH, json_coercer, plain_fields
from scrapy_snapshot_pipeline.capture.values.coerce_error import CoerceError
from scrapy_snapshot_pipeline.capture.values.notices import Notice
from tests.unit.item_classes import Colour, Price, ScrapyItem

NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.timezone.utc)
NAIVE = dt.datetime(2024, 5, 1, 14)  # noqa: DTZ001 - that it has no zone is the point
SCRAPED = "hunter2"


def json_text(value: object, annotation: object = Any, zone: dt.tzinfo | None = None) -> object:
    """The text that a column with this annotation holds."""
    return json_coercer(annotation, zone)(value)


def refusal(value: object, annotation: object = Any) -> CoerceError:
    """The error that a column with this annotation raises for a value."""
    with pytest.raises(CoerceError) as caught:
        json_text(value, annotation)
    return caught.value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("é", '"é"'),
        (True, "true"),
        (7, "7"),
        (-0.0, "0.0"),
        ((1, None), "[1,null]"),
        ({3, 1, 2}, "[1,2,3]"),
        ({"b": 1, "a": None}, '{"a":null,"b":1}'),
        (collections.OrderedDict(b=1, a=2), '{"a":2,"b":1}'),
        (
            [MappingProxyType({"b": (1,), "a": NOON})],
            f'[{{"a":"{NOON:%Y-%m-%dT%H:%M:%S.%fZ}","b":[1]}}]',
        ),
        (Decimal("1.10"), '"1.1"'),
        (NOON, '"2024-05-01T12:00:00.000000Z"'),
        (NOON.date(), '"2024-05-01"'),
        (NOON.time(), '"12:00:00.000000"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (b"x", '"eA=="'),
        (Colour.BLUE, '"BLUE"'),
        ({dt.date(2024, 5, 1): Colour.RED}, '{"2024-05-01":"red"}'),
        ({1: {Decimal("2.0"): 0}}, '{"1":{"2":0}}'),
        (Price("x", Decimal("1.0")), '{"outcome":"x","price":"1"}'),
        (ScrapyItem(name=None, size=1), '{"size":1}'),
        ("back\\u0000slash", '"back\\\\u0000slash"'),
    ],
)
def test_any_value_has_one_text(value: object, text: str) -> None:
    """Whatever order it was scraped in, and by whatever type it was scraped."""
    assert json_text(value) == text


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (dict[str, Decimal], {"b": 1.5, "a": "2.0", "c": None}, '{"a":"2","b":"1.5","c":null}'),
        (list[int], ["1", 2.0], "[1,2]"),
        (tuple[int, ...], ("1",), "[1]"),
        (set[str], {2, 1}, '["1","2"]'),
        (set[int], {9, 10}, "[10,9]"),
        (list[list[float]], [[1]], "[[1.0]]"),
        (list[dict[str, Colour]], [{"a": "BLUE"}], '[{"a":"BLUE"}]'),
        (collections.Counter[str], {"a": 1}, '{"a":1}'),
        (int | str, "1", '"1"'),
        (list[int], [1, None], "[1,null]"),
        (list[Annotated[Decimal, Numeric(6, 2)]], ["1.005"], '["1.01"]'),
        (list[Annotated[str, String(3)]], ["abc"], '["abc"]'),
    ],
)
def test_inner_values_are_coerced_to_the_annotation(
    annotation: object, value: object, text: str
) -> None:
    """As far as it says what they are."""
    assert json_text(value, annotation) == text


CURES = {
    "a finite number": "use None for a value that is not known",
    "text without NUL characters": "remove them in the spider",
    "a datetime with a time zone": "attach its time zone, or set SNAPSHOT_NAIVE_TIMEZONE",
}
"""By what was expected; all others have the same one."""


@pytest.mark.parametrize(
    ("value", "path", "said"),
    [
        ([{"a": math.nan}], "[0]{}", "a finite number"),
        ([0, object()], "[1]", "a value that JSON can hold, got object"),
        ({"a": "\x00"}, "{}", "text without NUL characters"),
        ({1: 0, "1": 0}, "{}", "dict keys that still differ as text"),
        ({(1,): 0}, "{}", "str as a dict key, got tuple"),
        ({True: 0}, "{}", "str as a dict key, got bool"),
        ({NOON: 0}, "{}", "str as a dict key, got datetime"),
        ({b"x": 0}, "{}", "str as a dict key, got bytes"),
        ({"m": NAIVE}, "{}", "a datetime with a time zone"),
        (Price("x", object()), ".price", "a value that JSON can hold, got object"),  # type: ignore[arg-type]
        ([10**5000], "", "a value that JSON can hold"),
    ],
)
def test_an_unfit_value_is_refused_with_its_path(value: object, path: str, said: str) -> None:
    """Down to the list index and the item's field; a key may be scraped and is not shown."""
    error = refusal(value)
    cure = CURES.get(said, "convert it in the spider, or change the field's type")
    assert (error.path, error.problem, error.cure) == (path, f"expected {said}", cure)


@pytest.mark.parametrize(
    ("annotation", "value", "said"),
    [
        (dict[str, Decimal], {SCRAPED: SCRAPED}, "expected Decimal, got text that is not a number"),
        (dict[str, Decimal], [1], "expected dict, got list"),
        (list[int], SCRAPED, "expected list, got str"),
        (set[int], [1], "expected set, got list"),
        (list[Annotated[str, String(3)]], ["abcd"], "expected a length of at most 3, got 4"),
        (
            list[Annotated[Decimal, Numeric(6, 2)]],
            ["12345"],
            "expected at most 4 digits before the point",
        ),
    ],
)
def test_a_value_must_fit_the_annotation(annotation: object, value: object, said: str) -> None:
    """The error never shows the value."""
    error = refusal(value, annotation)
    assert error.problem == said
    assert SCRAPED not in f"{error.path} {error.problem} {error.cure}"


class Broken(dt.datetime):
    """As `pandas.NaT`: a datetime without any of its methods."""

    def astimezone(self, tz: dt.tzinfo | None = None) -> Any:
        """Fail, as there is no time."""
        raise TypeError(SCRAPED)


class BrokenList(Sequence[int]):
    """Fails when it is read."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, _: object) -> Any:
        raise KeyError(SCRAPED)


NO_TIME = Broken(2024, 5, 1, tzinfo=dt.timezone(dt.timedelta(hours=1)))


@pytest.mark.parametrize(
    ("annotation", "value", "path", "raised"),
    [
        (Any, {"at": NO_TIME}, "{}", "TypeError"),
        (Any, [1, [NO_TIME]], "[1][0]", "TypeError"),
        (Any, [BrokenList()], "[0]", "KeyError"),
        (dict[str, dt.datetime], {"at": NO_TIME}, "{}", "TypeError"),
        (list[dt.datetime], [NO_TIME], "[0]", "TypeError"),
    ],
)
def test_whatever_a_nested_value_raises_names_its_place(
    annotation: object, value: object, path: str, raised: str
) -> None:
    """And the kind of the error, but not its text, which may quote the value."""
    error = refusal(value, annotation)
    assert error.path == path
    assert error.problem == f"{raised} was raised while the value was read"


def test_a_field_of_an_untyped_item_that_raises_is_named() -> None:
    """With the way down to the value."""
    with pytest.raises(CoerceError) as caught:
        plain_fields([("seen", [{"at": NO_TIME}])], None)
    assert caught.value.path == ".seen[0]{}"


def test_a_value_that_contains_itself_is_refused() -> None:
    """As one that is nested too deep."""
    loop: list[object] = []
    loop.append(loop)
    said = f"expected at most {MAX_DEPTH} levels, and no value that contains itself"
    assert refusal(loop).problem == said


def test_the_deepest_value_is_accepted() -> None:
    """One level more is refused."""
    nested: list[object] = []
    for _ in range(MAX_DEPTH - 1):
        nested = [nested]
    assert json_text(nested) == "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert f"{MAX_DEPTH} levels" in refusal([nested]).problem


def test_a_naive_datetime_is_read_in_the_given_zone() -> None:
    """With and without an annotation."""
    paris = ZoneInfo("Europe/Paris")
    assert json_text(NAIVE, Any, paris) == '"2024-05-01T12:00:00.000000Z"'
    for annotation in (list[dt.datetime], set[dt.datetime]):
        scraped = annotation([NAIVE])
        assert json_text(scraped, annotation, paris) == '["2024-05-01T12:00:00.000000Z"]'
    by_day = {"a": [[NAIVE]]}
    text = '{"a":[["2024-05-01T12:00:00.000000Z"]]}'
    assert json_text(by_day, dict[str, list[list[dt.datetime]]], paris) == text


class FineTime(dt.time):
    """One of a library whose times have nanoseconds."""

    nanosecond = 5


class FineLength(dt.timedelta):
    """The same of lengths."""

    nanoseconds = 5


def test_a_time_or_length_without_annotation_is_text_with_its_word() -> None:
    """What is finer than a microsecond is cut."""
    said: list[Notice] = []
    read = json_coercer(Any, None, said.append)
    assert read([dt.time(1, 2), dt.timedelta(seconds=90)]) == '["01:02:00.000000","90"]'
    assert said == []
    assert read([FineTime(1, 2)]) == '["01:02:00.000000"]'
    assert read([FineLength(seconds=90)]) == '["90"]'
    assert said == [Notice.TOO_FINE] * 2


def test_members_are_those_of_the_enum() -> None:
    """By their value; another text is none."""
    assert json_text(["red"], list[Colour]) == '["red"]'
    with pytest.raises(CoerceError):
        json_text(["hunter2"], list[Colour])


def test_a_naive_datetime_among_the_fields_is_read_in_the_given_zone() -> None:
    """As in a field that holds nothing else."""
    paris = ZoneInfo("Europe/Paris")
    assert plain_fields([("a", [NAIVE])], paris) == {"a": ["2024-05-01T12:00:00.000000Z"]}


def test_the_fields_are_of_the_built_in_types() -> None:
    """And nothing of the item is in them."""

    class Text(str):
        __slots__ = ()

    fields = plain_fields([(Text("a"), Text("x"))], None)
    assert fields == {"a": "x"}
    assert {type(text) for pair in fields.items() for text in pair} == {str}


def test_the_fields_themselves_are_a_level() -> None:
    """So what is in them may be one less deep."""
    nested: list[object] = []
    for _ in range(MAX_DEPTH - 2):
        nested = [nested]
    assert plain_fields([("a", nested)], None) == {"a": nested}
    with pytest.raises(CoerceError, match="levels"):
        plain_fields([("a", [nested])], None)


def test_the_fields_of_an_item_are_made_plain_and_named_in_errors() -> None:
    """A name that is not one of Python's may have been scraped, and is not shown."""
    assert plain_fields([("a", NOON), ("b", 1)], None) == {
        "a": "2024-05-01T12:00:00.000000Z",
        "b": 1,
    }
    for name, path in (("a", ".a"), ("a b", "{}")):
        with pytest.raises(CoerceError) as caught:
            plain_fields([(name, object())], None)
        assert caught.value.path == path
