"""From items to records; what single values become is tested beside this file."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import random
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.capture import compile as capture_module
from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.capture.values.notices import Notice
from scrapy_snapshot_pipeline.declaration.our_names import is_ours
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.errors import CaptureError
from scrapy_snapshot_pipeline.records import SnapshotRecord
from tests.unit import item_classes as items
from tests.unit.item_classes import Everything, Market, OddsSnapshot, Price, Tag

UTC = dt.timezone.utc
NOW = dt.datetime(2024, 5, 1, 12, tzinfo=UTC)
NAIVE = dt.datetime(2024, 5, 1, 14)  # noqa: DTZ001 - that it has no zone is the point
RUN = uuid.UUID(int=1)
DECLARATIONS = Declarations({dict: {"key": "url", "table": "book", "untracked": "seen"}})
SCRAPED = "hunter2"


def capture(item: object, **limits: Any) -> SnapshotRecord:
    """The record of an item of one of the shared classes."""
    declaration = DECLARATIONS.of(type(item))
    assert declaration is not None
    return compile_capture(declaration, **limits)(item, NOW, RUN)


def refusal(item: object, **limits: Any) -> str:
    """The text of the error."""
    with pytest.raises(CaptureError) as caught:
        capture(item, **limits)
    return str(caught.value)


def odds(*markets: Market, **fields: Any) -> OddsSnapshot:
    """One entity with these markets."""
    return OddsSnapshot(event="e1", bookmaker="b1", markets=list(markets), **fields)


def everything(name: str, value: object, text: str = "k") -> Everything:
    """An item with one field set, to whatever value."""
    fields: dict[str, Any] = {"text": text, name: value}
    return Everything(**fields)


def of_everything(name: str, value: object) -> Any:
    """What one field of `Everything` makes of a value."""
    record = capture(everything(name, value))
    names = [field.name for field in dataclasses.fields(Everything)]
    return record.values[names.index(name)]


def test_a_record_is_pinned() -> None:
    """Ids and hashes of one known item, the same on every Python and platform."""
    record = capture(
        odds(
            Market("1x2", Decimal("2.50"), prices=[Price("home", Decimal("1.10"))]),
            url="http://example.com/é",
            kickoff=NOW,
            tags=[Tag("a"), Tag("b")],
        )
    )
    assert record.entity_id.hex() == "1a2cdd2d34b73a1710a033ab4e6aa6ec"
    assert record.content_hash.hex() == "e97a76694b985e3fba17c62073343e7a"
    assert record.snapshot_id == 560037888000003735
    assert (record.table, record.observed_at, record.run_id) == ("odds_snapshot", NOW, RUN)
    assert record.size == 296
    child_ids = [child.child_id.hex()[:8] for rows in record.children for child in rows]
    assert child_ids == ["1cb3f4d4", "8fcc3271", "4d945183", "9f9cf413"]


def test_values_come_in_the_order_of_the_columns() -> None:
    """Children too, each with the id of the row that encloses it."""
    record = capture(odds(Market("1x2", prices=[Price("home", Decimal(2))]), tags=[Tag("a")]))
    [[market], [price], [tag]] = record.children
    assert record.values == ("e1", "b1", None, None)
    assert market.values == ("1x2", None, None)
    assert (price.values, price.parent_id) == (("home", Decimal(2)), market.child_id)
    assert (tag.values, tag.parent_id) == ((0, "a"), None)


def test_keyed_rows_in_another_order_are_the_same_content() -> None:
    """Rows without a key are not: their position is their key."""
    a, b = Market("a"), Market("b")
    assert capture(odds(a, b)).content_hash == capture(odds(b, a)).content_hash
    tags = [Tag("a"), Tag("b")]
    assert capture(odds(tags=tags)).content_hash != capture(odds(tags=tags[::-1])).content_hash


def test_untracked_fields_change_no_hash() -> None:
    """Neither of the entity nor of a row; but they are stored."""
    plain, noted = capture(odds(Market("a"))), capture(odds(Market("a", note="n"), url="u"))
    assert plain.content_hash == noted.content_hash
    assert plain.snapshot_id == noted.snapshot_id
    assert plain.size < noted.size
    assert noted.values[2] == "u"


@pytest.mark.parametrize(
    "other",
    [
        odds(Market("a", Decimal(1))),
        odds(Market("b")),
        odds(Market("a"), Market("b")),
        odds(Market("a", prices=[Price("x", Decimal(1))])),
        odds(Market("a"), kickoff=NOW),
        odds(),
    ],
)
def test_a_tracked_change_changes_the_hash(other: OddsSnapshot) -> None:
    """At any depth, and when rows come or go."""
    record, changed = capture(odds(Market("a"))), capture(other)
    assert record.content_hash != changed.content_hash
    assert record.entity_id == changed.entity_id


def test_the_same_item_of_attrs_and_pydantic_has_one_hash() -> None:
    """What library made the class is no part of the content."""
    one, two = capture(items.AttrsItem("n", 1)), capture(items.PydanticItem(name="n", size=1))
    assert (one.entity_id, one.content_hash) == (two.entity_id, two.content_hash)


def test_an_item_without_types_may_have_untracked_data() -> None:
    """Any order of the names, and any untracked value, has one hash."""
    one = capture({"url": "u", "a": 1, "b": 2, "seen": 1})
    two = capture({"seen": 2, "b": 2, "a": 1, "url": "u", "new": None})
    assert one.content_hash == two.content_hash
    assert one.content_hash != capture({"url": "u", "a": 2, "b": 2}).content_hash
    assert capture(items.ScrapyItem(name="n")).values == ("n", "{}")


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("text", 5, "5"),
        ("amount", 1.005, Decimal("1.01")),
        ("moment", "2024-05-01T14:00:00+02:00", NOW),
        ("colour", 2, "BLUE"),
        ("nested", {"b": b"x", "a": (1, None, -0.0)}, '{"a":[1,null,0.0],"b":"eA=="}'),
        ("prices", {"b": 1.5, "a": "2.0", "c": None}, '{"a":"2","b":"1.5","c":null}'),
        ("whole", None, None),
    ],
)
def test_a_value_is_coerced_to_the_field(name: str, value: object, stored: object) -> None:
    """To exactly the built-in type that the column holds."""
    result = of_everything(name, value)
    assert (result, type(result)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("text", None, "Everything.text: a key field is missing or None; "),
        ("text", "x" * 21, "Everything.text: expected a length of at most 20, got 21; "),
        ("text", "a\ud800", "Everything.text: expected text without lone surrogates; "),
        ("whole", True, "Everything.whole: expected int, got bool; "),
        ("amount", 10_000, "Everything.amount: expected at most 4 digits before the point; "),
        ("moment", NAIVE, "; attach its time zone, or set SNAPSHOT_NAIVE_TIMEZONE"),
        ("colour", SCRAPED, "Everything.colour: expected a member of Colour"),
        ("nested", [{"a": math.nan}], "Everything.nested[0]{}: expected a finite number; "),
        ("nested", {"a": "\ud800"}, "Everything.nested: expected text without lone surrogates; "),
        ("prices", {SCRAPED: SCRAPED}, "Everything.prices{}: expected Decimal, got text that "),
    ],
)
def test_an_unfit_value_is_refused(name: str, value: object, said: str) -> None:
    """With class, field, problem and cure, but never the value."""
    text = refusal(everything(name, value, SCRAPED))
    assert text.startswith(f"Everything.{name}")
    assert said in text
    assert "; " in text
    assert SCRAPED not in text


def test_a_naive_datetime_is_read_in_the_given_zone() -> None:
    """And stored in UTC."""
    naive = Everything("k", moment=NAIVE, nested=NAIVE.replace(hour=0))
    record = capture(naive, naive_timezone=ZoneInfo("Europe/Paris"))
    assert record.values[6] == NOW
    assert record.values[12] == '"2024-04-30T22:00:00.000000Z"'


@snapshot()
@dataclasses.dataclass
class Minute:
    """A row of a row, with a time."""

    at: dt.datetime


@snapshot()
@dataclasses.dataclass
class Hour:
    """A row with a time and a list of rows."""

    at: dt.datetime
    minutes: list[Minute]


@snapshot(key="name")
@dataclasses.dataclass
class Day:
    """An entity with times in its rows."""

    name: str
    hours: list[Hour]


def test_a_naive_datetime_is_read_in_the_given_zone_in_rows_and_in_untyped_items() -> None:
    """At any depth."""
    zone = ZoneInfo("Europe/Paris")
    item = Day("d", [Hour(NAIVE, [Minute(NAIVE)])])
    [[hour], [minute]] = capture(item, naive_timezone=zone).children
    assert (hour.values, minute.values) == ((0, NOW), (0, NOW))
    untyped = capture({"url": "u", "at": NAIVE}, naive_timezone=zone)
    assert untyped.values == ("u", '{"at":"2024-05-01T12:00:00.000000Z"}')


def test_what_is_said_of_a_value_has_its_path() -> None:
    """Through the lists to the field; a class without types has none."""
    said: list[tuple[Notice, str]] = []

    def notify(notice: Notice, path: str) -> None:
        said.append((notice, path))

    twice = dt.datetime(2024, 10, 27, 2, 30)  # noqa: DTZ001 - naive is the point
    zone = ZoneInfo("Europe/Paris")
    capture(Day("d", [Hour(twice, [Minute(twice)])]), naive_timezone=zone, notify=notify)
    assert said == [
        (Notice.AMBIGUOUS, ".hours.at"),
        (Notice.AMBIGUOUS, ".hours.minutes.at"),
    ]
    said.clear()
    capture({"url": "u", "at": twice}, naive_timezone=zone, notify=notify)
    assert said == [(Notice.AMBIGUOUS, "")]


def test_an_error_in_a_row_has_its_path() -> None:
    """With list indexes down to the field."""
    bad: Any = "x"
    text = refusal(odds(Market("a"), Market("b", prices=[Price("home", bad)])))
    assert text.startswith("OddsSnapshot.markets[1].prices[0].price: ")


@pytest.mark.parametrize(
    ("markets", "said"),
    [
        (
            [Market("a"), Market("b"), Market("a")],
            "markets[2]: the row has the same key as row [0]",
        ),
        ([{"market": "a"}], "markets[0]: expected Market, got dict"),
        ([None], "markets[0]: expected Market, got NoneType"),
        ("abc", "markets: expected list, got str"),
    ],
)
def test_a_wrong_list_is_refused(markets: Any, said: str) -> None:
    """Rows must be instances of the declared class, each with its own key."""
    assert said in refusal(OddsSnapshot("e", "b", markets=markets))


class BrokenList(list[Market]):
    """Fails when it is read."""

    def __len__(self) -> int:
        raise KeyError(SCRAPED)


class BrokenOdds(OddsSnapshot):
    """Has a list that cannot be got."""

    def __getattribute__(self, name: str) -> Any:
        if name == "markets":
            raise KeyError(SCRAPED)
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    "item",
    [
        OddsSnapshot(event="e1", bookmaker="b1", markets=BrokenList()),
        BrokenOdds(event="e1", bookmaker="b1"),
    ],
    ids=lambda item: type(item).__name__,
)
def test_a_list_that_raises_is_named(item: OddsSnapshot) -> None:
    """Whether getting it fails, or reading it."""
    declaration = DECLARATIONS.of(OddsSnapshot)
    assert declaration is not None
    with pytest.raises(CaptureError) as caught:
        compile_capture(declaration)(item, NOW, RUN)
    text = "OddsSnapshot.markets: KeyError was raised while the value was read"
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("markets", "cure"),
    [
        ([Market("a"), Market("a")], "give the class a key that is unique in the list"),
        ([{"market": "a"}], "make it an instance of that class in the spider"),
        ("abc", "make it a list in the spider"),
    ],
)
def test_a_refused_list_has_its_cure(markets: Any, cure: str) -> None:
    """Behind what is wrong with it."""
    assert refusal(OddsSnapshot("e", "b", markets=markets)).endswith(f"; {cure}")


def test_a_list_that_is_none_has_no_rows() -> None:
    """Like an empty one."""
    none: Any = None
    empty = capture(odds())
    assert capture(OddsSnapshot("e1", "b1", markets=none)).content_hash == empty.content_hash


def test_a_list_after_one_that_is_none_is_read() -> None:
    """Each list by itself."""
    none: Any = None
    record = capture(OddsSnapshot("e1", "b1", markets=none, tags=[Tag("a")]))
    assert [row.values for row in record.children[2]] == [(0, "a")]


def test_an_item_whose_own_code_fails_is_refused() -> None:
    """What it said is not shown, as it may be scraped."""

    class Broken(dict[str, object]):
        def __iter__(self) -> Iterator[str]:
            raise ValueError(SCRAPED)

    declaration = DECLARATIONS.of(dict)
    assert declaration is not None
    with pytest.raises(CaptureError) as caught:
        compile_capture(declaration)(Broken(url="u"), NOW, RUN)
    assert str(caught.value) == (
        "dict: ValueError was raised while the value was read; "
        "correct it in the spider or in the item's class"
    )


def test_too_many_rows_are_refused() -> None:
    """All lists count together."""
    limit = capture_module.MAX_CHILDREN
    assert len(capture(odds(tags=[Tag("x")] * limit)).children[2]) == limit
    assert refusal(odds(Market("a"), tags=[Tag("x")] * limit)) == (
        f"OddsSnapshot.tags: the item has more than {limit} child rows; "
        "yield smaller items, or annotate the list with a JSON type"
    )


def test_too_large_an_item_is_refused() -> None:
    """Measured by its canonical encoding."""
    item = odds(Market("a"), url=SCRAPED)
    size = capture(item).size
    assert capture(item, max_bytes=size).size == size
    assert refusal(item, max_bytes=size - 1) == (
        f"OddsSnapshot: has {size} bytes, more than the limit of {size - 1}; "
        "raise SNAPSHOT_ITEM_MAX_BYTES, or yield smaller items"
    )


def test_a_field_that_was_never_set_is_refused() -> None:
    """As a slot without a value."""
    item = Everything("k")
    del item.whole
    assert refusal(item).startswith("Everything.whole: the field was never set")


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (NAIVE, "dict: was observed at a time that is not in UTC; use timezone.utc"),
        (
            NOW.replace(year=1900),
            "dict: was observed before 1948 or after 2091; set the clock right",
        ),
    ],
)
def test_the_time_of_an_observation_must_fit_the_id(time: dt.datetime, said: str) -> None:
    """Which is made of it."""
    declaration = DECLARATIONS.of(dict)
    assert declaration is not None
    with pytest.raises(CaptureError) as caught:
        compile_capture(declaration)({"url": "u"}, time, RUN)
    assert str(caught.value) == said


def test_a_new_field_that_is_none_changes_no_hash() -> None:
    """So an optional field may be added to a class."""

    @snapshot(key="name")
    @dataclasses.dataclass
    class Grown:
        name: str
        size: int
        added: str | None = None

    grown, before = capture(Grown("n", 1)), capture(items.AttrsItem("n", 1))
    assert grown.content_hash == before.content_hash


class Text(str):
    """A str that is not exactly str."""

    __slots__ = ()


def assert_frozen(value: object) -> None:
    """Walk down and find only what cannot change."""
    if isinstance(value, tuple):
        for member in value:
            assert_frozen(member)
    else:
        assert type(value) in (
            type(None), bool, int, float, str, bytes, Decimal,
            dt.datetime, dt.date, dt.time, uuid.UUID,
        )  # fmt: skip


def test_a_record_is_deeply_immutable() -> None:
    """Nothing of the item is in it, not even a subclass of str."""
    shared = [Text("x")]
    item = Everything(Text("k"), nested=shared, raw=b"x", colour=items.Colour.RED)
    record = capture(item)
    shared.append(Text("y"))
    assert json.loads(str(record.values[12])) == ["x"]
    assert_frozen(record)
    assert_frozen(capture(odds(Market(Text("m"), prices=[Price("x", Decimal(1))]))))


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
EVERYTHING = st.builds(
    Everything,
    text=TEXT,
    whole=st.none() | st.integers(-(2**63), 2**63 - 1),
    real=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    flag=st.none() | st.booleans(),
    amount=st.none() | st.decimals(-9999, 9999, places=2),
    exact=st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=5),
    moment=st.none() | st.datetimes(timezones=st.just(UTC)),
    day=st.none() | st.dates(),
    clock=st.none() | st.times(),
    ident=st.none() | st.uuids(),
    raw=st.none() | st.binary(),
    colour=st.none() | st.sampled_from(items.Colour),
    nested=st.recursive(
        st.none() | st.booleans() | st.integers() | TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
        max_leaves=10,
    ),
    prices=st.none() | st.dictionaries(TEXT, st.decimals(-99, 99, places=2)),
)


@given(EVERYTHING)
def test_an_item_rebuilt_from_its_record_has_the_same_record(item: Everything) -> None:
    """What is stored says all that the hash was made of."""
    record = capture(item)
    *values, nested, prices = record.values
    loaded = [json.loads(str(text)) if text is not None else None for text in (nested, prices)]
    again = capture(Everything(*values, *loaded))  # type: ignore[arg-type]
    assert again == record


NAMES = TEXT.filter(lambda name: not is_ours(name))


@given(st.dictionaries(NAMES, st.integers() | TEXT | st.lists(TEXT)), st.randoms())
def test_the_order_of_names_changes_no_record(data: dict[str, Any], chance: random.Random) -> None:
    """A dict's order is no content."""
    shuffled = list({**data, "url": "u"}.items())
    chance.shuffle(shuffled)
    assert capture(dict(shuffled)) == capture({"url": "u", **data, "url": "u"})  # noqa: F601


@given(EVERYTHING, st.integers(0, 1000))
def test_any_tracked_change_changes_the_hash(item: Everything, whole: int) -> None:
    """And makes another id."""
    changed = dataclasses.replace(item, whole=whole)
    same = item.whole == whole
    assert (capture(item).content_hash == capture(changed).content_hash) is same
