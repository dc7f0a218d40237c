"""Rows of a class without types."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from scrapy_snapshot_pipeline.capture.unseen_names import UnseenNames
from scrapy_snapshot_pipeline.capture.untyped import UntypedReader
from scrapy_snapshot_pipeline.capture.values.coerce_error import CoerceError
from scrapy_snapshot_pipeline.capture.values.notices import Notice
from scrapy_snapshot_pipeline.declaration.tables import Column, Declaration, Kind, Role
from tests.unit.item_classes import ScrapyItem


def reader(
    item_class: type, key: str, kind: Kind = Kind.TEXT, zone: dt.tzinfo | None = None
) -> UntypedReader:
    """For a class with this key, whose field `seen` is not tracked."""
    data = Column("data", Kind.JSON, Role.TRACKED, untracked_paths=("seen",))
    declaration = Declaration(item_class, "book", (Column(key, kind, Role.KEY), data), untyped=True)
    return UntypedReader(declaration, zone, UnseenNames(("seen",)))


READER = reader(dict, "url")


def refusal(item: object) -> CoerceError:
    """The error that the item raises."""
    with pytest.raises(CoerceError) as caught:
        READER.read(item, 0)
    return caught.value


def test_everything_but_the_key_is_in_data() -> None:
    """As canonical JSON, without what is None; the key is text."""
    values, key, tracked, _ = READER.read(
        {"url": 5, "b": Decimal("1.10"), "a": {2, 1}, "c": None}, 0
    )
    assert values == ("5", '{"a":[1,2],"b":"1.1"}')
    assert key == b'{"url:text":"5"}'
    assert tracked == rb'{"data:json":"{\"a\":[1,2],\"b\":\"1.1\"}"}'


def test_untracked_data_is_stored_and_counted_but_not_tracked() -> None:
    """So it changes no hash."""
    plain = READER.read({"url": "u", "a": 1}, 0)
    noted = READER.read({"url": "u", "a": 1, "seen": 2}, 0)
    assert noted[0] == ("u", '{"a":1,"seen":2}')
    assert plain[1:3] == noted[1:3]
    assert plain[3] == len(plain[1]) + len(plain[2])
    assert noted[3] - plain[3] == len(rb'{"data:json":"{\"seen\":2}"}')


def test_a_naive_datetime_is_read_in_the_given_zone() -> None:
    """As a key and in the data."""
    naive = dt.datetime(2024, 5, 1, 14)  # noqa: DTZ001 - that it has no zone is the point
    read = reader(dict, "at", Kind.DATETIME, ZoneInfo("Europe/Paris")).read
    values, _, _, _ = read({"at": naive, "a": naive}, 0)
    assert values[0] == dt.datetime(2024, 5, 1, 12, tzinfo=dt.timezone.utc)
    assert values[1] == '{"a":"2024-05-01T12:00:00.000000Z"}'


@pytest.mark.parametrize("name", ["snapshot_x", "Snapshot_id"])
def test_a_name_of_ours_is_refused(name: str) -> None:
    """A column of ours may stand beside it some day; a longer name is nobody's."""
    assert "begins with snapshot_" in refusal({"url": "u", name: 1}).problem
    assert READER.read({"url": "u", f"a_{name}": 1}, 0)


def test_excluded_data_is_not_there() -> None:
    """Not in the hash, and not in what is stored."""
    data = Column("data", Kind.JSON, Role.TRACKED, excluded_paths=("a.b", "c"))
    columns = (Column("url", Kind.TEXT, Role.KEY), data)
    declaration = Declaration(dict, "book", columns, untyped=True)
    read = UntypedReader(declaration, None, UnseenNames(())).read
    with_all = read({"url": "u", "a": {"b": 1, "d": 2}, "c": object()}, 0)
    assert with_all == read({"url": "u", "a": {"d": 2}}, 0)
    assert with_all[0] == ("u", '{"a":{"d":2}}')


def test_what_is_taken_by_a_rule_is_noted() -> None:
    """With the field, where it is the key."""
    notices: list[tuple[Notice, str]] = []
    columns = (Column("at", Kind.DATETIME, Role.KEY), Column("data", Kind.JSON, Role.TRACKED))
    declaration = Declaration(dict, "book", columns, untyped=True)
    reader = UntypedReader(
        declaration,
        ZoneInfo("Europe/Paris"),
        UnseenNames(()),
        notify=lambda notice, path: notices.append((notice, path)),
    )
    twice = dt.datetime(2024, 10, 27, 2, 30)  # noqa: DTZ001 - that it has no zone is the point
    reader.read({"at": twice, "a": twice}, 0)
    assert notices == [(Notice.AMBIGUOUS, ".at"), (Notice.AMBIGUOUS, "")]


def test_a_field_with_a_name_of_ours_is_refused() -> None:
    """However it is written, and wherever it comes."""
    for name in ("snapshot_id", "SNAPSHOT_x"):
        error = refusal({"url": "u", "a": 1, name: 2})
        assert error.problem == "a field has a name that begins with snapshot_, as ours do"
        assert error.cure == "rename it in the spider, or leave it out with exclude=..."


def test_an_item_of_scrapy_is_read_as_a_dict_is() -> None:
    """A field that was never set is not there."""
    item = ScrapyItem(name="n", size=1)
    assert reader(ScrapyItem, "name").read(item, 0)[0] == ("n", '{"size":1}')


@pytest.mark.parametrize(
    ("item", "path", "said"),
    [
        ({"a": 1}, ".url", "missing or None"),
        ({"url": None}, ".url", "missing or None"),
        ({"url": "u", "a": "\x00"}, ".a", "NUL"),
        ({"url": "u", "a": "\ud800"}, ".data", "lone surrogates"),
        ({"url": "u\x00"}, ".url", "NUL"),
    ],
)
def test_an_unfit_item_is_refused_with_its_field(item: object, path: str, said: str) -> None:
    """Key fields as in a class with types."""
    error = refusal(item)
    assert error.path == path
    assert said in error.problem
