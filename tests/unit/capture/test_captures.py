"""Captures by class: prepared once, after their tables were created."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, make_dataclass
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pydantic
import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from scrapy_snapshot_pipeline.capture.captures import Captures
from scrapy_snapshot_pipeline.capture.compile import Capture
from scrapy_snapshot_pipeline.capture.values.notices import Notice
from scrapy_snapshot_pipeline.declaration import registry
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.tables import Declaration, Role
from scrapy_snapshot_pipeline.errors import (
    CaptureError,
    SchemaMismatchError,
    SystemicError,
)
from scrapy_snapshot_pipeline.setting_types import ItemDeclarations
from tests.unit.fakes import RUN_ID, START

NAIVE = dt.datetime(2024, 5, 1, 14)  # noqa: DTZ001 - that it has no zone is the point


class FakeDatabase:
    """Creates tables when the test says so."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self._answers: list[Deferred[None]] = []

    async def create_tables(self, declarations: Sequence[Declaration]) -> None:
        """Note the names, and wait for the test."""
        self.asked.append([declaration.table for declaration in declarations])
        self._answers.append(Deferred())
        await self._answers[-1]

    def succeed(self) -> None:
        """Answer the oldest question."""
        self._answers.pop(0).callback(None)

    def fail(self, error: Exception) -> None:
        """Answer the oldest question with an error."""
        self._answers.pop(0).errback(error)


@pytest.fixture(autouse=True)
def _only_own_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    empty: weakref.WeakValueDictionary[tuple[str, str], type] = weakref.WeakValueDictionary()
    monkeypatch.setattr(registry, "_registry", empty)


@pytest.fixture
def database() -> FakeDatabase:
    """Make a database that has not answered yet."""
    return FakeDatabase()


@pytest.fixture
def captures(database: FakeDatabase) -> Captures:
    """Make the thing under test, with no class prepared."""
    return make_captures(database)


def make_captures(
    database: FakeDatabase,
    timezone: dt.tzinfo | None = None,
    max_bytes: int | None = None,
    items: ItemDeclarations = MappingProxyType({}),
) -> Captures:
    """Make the captures of a crawl with these settings."""
    return Captures(
        Declarations(items),
        database.create_tables,
        database.create_tables,
        naive_timezone=timezone,
        max_bytes=max_bytes,
    )


def declared(name: str, key: str = "sku") -> type:
    """Make a declared class, whose table is its name in lower case."""
    return snapshot(key=key)(make_dataclass(name, [("sku", str)]))


def prepare(captures: Captures, item_class: type) -> Deferred[None]:
    """Do what an item of a class does that is not ready."""
    return Deferred.fromCoroutine(captures.prepare(item_class))


def undeclared(path: str, cure: str) -> str:
    """What is said of a class that has no declaration."""
    return (
        f"Items of {path} have no @snapshot declaration and no entry in SNAPSHOT_ITEMS; they pass "
        f"through and are not stored (counted in snapshots/ignored); to store them, {cure}"
    )


def error_of(preparing: Deferred[None]) -> BaseException:
    """The error with which it ended."""
    failures: list[Failure] = []
    preparing.addErrback(failures.append)
    assert failures[0].value is not None
    return failures[0].value


def test_all_declared_classes_are_prepared_with_one_question(
    captures: Captures, database: FakeDatabase
) -> None:
    """At the start of a crawl, whose items then wait for nothing."""
    price, book = declared("Price"), declared("Book")
    Deferred.fromCoroutine(captures.prepare_declared())
    assert database.asked == [["price", "book"]]
    assert (captures.ready, captures.tables) == ({}, {})
    database.succeed()
    assert list(captures.ready) == [price, book]
    assert list(captures.tables) == ["price", "book"]


def test_a_class_that_is_ready_asks_nothing(captures: Captures, database: FakeDatabase) -> None:
    """Whoever asks twice gets the same capture."""
    price = declared("Price")
    prepare(captures, price)
    database.succeed()
    capture = captures.ready[price]
    assert prepare(captures, price).called
    assert database.asked == [["price"]]
    assert captures.ready[price] is capture is not None
    assert capture(price("a"), START, RUN_ID).table == "price"


def test_a_class_declared_in_the_middle_is_ready_once_its_tables_are_there(
    captures: Captures, database: FakeDatabase
) -> None:
    """Its first items wait for one preparation together."""
    late = declared("Late")
    waiting = [prepare(captures, late) for _ in range(3)]
    assert database.asked == [["late"]]
    assert not any(each.called for each in waiting)
    assert captures.ready == {}
    database.succeed()
    assert all(each.called for each in waiting)
    assert list(captures.ready) == [late]
    assert captures.tables["late"].item_class is late


def test_each_class_declared_in_the_middle_is_prepared(
    captures: Captures, database: FakeDatabase
) -> None:
    """Also while another one is."""
    classes = [declared("Late"), declared("Later")]
    waiting = [prepare(captures, each) for each in classes]
    assert database.asked == [["late"], ["later"]]
    for _ in classes:
        database.succeed()
    assert all(each.called for each in waiting)
    assert list(captures.ready) == classes


def test_a_late_class_without_tables_is_ready_for_the_dead_letters(
    captures: Captures, database: FakeDatabase
) -> None:
    """They were refused for good, and its items must not vanish uncounted."""
    late = declared("Late")
    waiting = [prepare(captures, late) for _ in range(2)]
    refused = SystemicError("no right to create it")
    database.fail(refused)
    assert all(each.called for each in waiting)
    assert captures.unavailable == {"late": refused}
    assert captures.tables["late"].item_class is late
    capture = captures.ready[late]
    assert capture is not None
    assert capture(late("a"), START, RUN_ID).table == "late"


def test_a_table_that_does_not_fit_is_not_tried_again(
    captures: Captures, database: FakeDatabase
) -> None:
    """It would not fit the next time either, so every later item gets the same error at once."""
    late = declared("Late")
    first = prepare(captures, late)
    database.fail(SchemaMismatchError("other columns"))
    errors = [error_of(first), error_of(prepare(captures, late))]
    assert [str(error) for error in errors] == ["other columns"] * 2
    assert database.asked == [["late"]]
    assert (captures.ready, captures.tables) == ({}, {})


def test_a_wrong_declaration_is_an_error_of_each_item(
    captures: Captures, database: FakeDatabase
) -> None:
    """The database is not asked."""
    wrong = declared("Wrong", key="skew")
    for _ in range(2):
        error = error_of(prepare(captures, wrong))
        assert isinstance(error, CaptureError)
        assert "skew" in str(error)
    assert database.asked == []


def test_an_undeclared_class_is_warned_of_once(
    captures: Captures, database: FakeDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    """It has no capture, from its first item on."""
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert prepare(captures, dict).called
    assert captures.ready == {dict: None}
    cure = 'set SNAPSHOT_ITEMS = {dict: {"table": "...", "key": "..."}}'
    assert caplog.messages == [undeclared("builtins.dict", cure)]
    assert database.asked == []


def test_an_undeclared_class_is_named_with_the_line_to_add(
    captures: Captures, caplog: pytest.LogCaptureFixture
) -> None:
    """To the class, or to the settings where the class is somebody else's."""
    with caplog.at_level(logging.WARNING):
        prepare(captures, FakeDatabase)
    path = f"{__name__}.FakeDatabase"
    cure = f'add @snapshot(key="...") to the class, or "{path}": {{"key": "..."}} to SNAPSHOT_ITEMS'
    assert caplog.messages == [undeclared(path, cure)]


def test_a_subclass_is_told_of_its_declared_base(
    captures: Captures, caplog: pytest.LogCaptureFixture
) -> None:
    """With the line to add."""
    special = type("Special", (declared("Price"),), {})
    with caplog.at_level(logging.WARNING):
        assert prepare(captures, special).called
    assert captures.ready == {special: None}
    own = "a declaration of its own, as Price's is not inherited"
    cure = f"add @snapshot(key=('sku',)) to it, {own}"
    assert caplog.messages == [undeclared(f"{special.__module__}.Special", cure)]


@pytest.mark.parametrize(
    ("item", "names"),
    [
        ({"id": "1", "shop": "s", "scraped_at": 5}, "by, scrapped_at"),
        ({"id": "1", "shop": "s", "scrapped_at": None, "by": 1}, None),
        ({"scraped_at": 5}, "by, scrapped_at"),
        (None, None),
    ],
    ids=["misspelt", "None", "rejected", "no item"],
)
def test_an_untracked_name_that_no_item_had_is_warned_of(
    database: FakeDatabase, caplog: pytest.LogCaptureFixture, item: object, names: str | None
) -> None:
    """In a class without types, where it cannot be refused at the start."""
    options = {"key": ("shop", "id"), "untracked": ["scrapped_at", "by"]}
    captures = make_captures(database, items={dict: options})
    Deferred.fromCoroutine(captures.prepare_declared())
    database.succeed()
    capture = captures.ready[dict]
    assert capture is not None
    if item is not None:
        with contextlib.suppress(CaptureError):
            capture(item, START, RUN_ID)
    with caplog.at_level(logging.WARNING):
        captures.warn_of_unseen()
    said = (
        f"No item of builtins.dict had the field(s) {names}, named in untracked or exclude: see "
        "whether the name is spelt as in the items, or remove it"
    )
    assert caplog.messages == ([] if names is None else [said])


@snapshot(key="sku")
@dataclass
class Seen:
    """Has a time."""

    sku: str
    at: dt.datetime


def test_the_limits_of_the_settings_hold(database: FakeDatabase) -> None:
    """The zone of naive times, and the most bytes of an item."""
    zoned = make_captures(database, timezone=dt.timezone.utc)
    small = make_captures(database, timezone=dt.timezone.utc, max_bytes=10)
    for captures in (zoned, small):
        prepare(captures, Seen)
        database.succeed()
    read, refuse = zoned.ready[Seen], small.ready[Seen]
    assert read is not None
    assert refuse is not None
    record = read(Seen("a", NAIVE), START, RUN_ID)
    assert record.values[1] == NAIVE.replace(tzinfo=dt.timezone.utc)
    with pytest.raises(CaptureError, match="SNAPSHOT_ITEM_MAX_BYTES"):
        refuse(Seen("a", NAIVE), START, RUN_ID)


@snapshot(key="url", table="seen_at")
@dataclass
class SeenAt:
    """With times that are taken by a rule."""

    url: str
    at: dt.datetime | None = None
    ats: list[dt.datetime] = field(default_factory=list)


def ready(captures: Captures, database: FakeDatabase, item_class: type) -> Capture:
    """The capture of a class, once it is ready."""
    prepare(captures, item_class)
    database.succeed()
    capture = captures.ready[item_class]
    assert capture is not None
    return capture


def test_a_time_by_a_rule_is_named_once_a_class(
    database: FakeDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    """With its field, and each rule once."""
    captures = make_captures(database, ZoneInfo("Europe/Paris"))
    capture = ready(captures, database, SeenAt)
    twice: Any = ["2024-10-27T02:30", dt.datetime(2024, 10, 27, 2, 30)]  # noqa: DTZ001
    with caplog.at_level(logging.WARNING):
        for time in twice:
            capture(SeenAt("u", time), START, RUN_ID)
        capture(SeenAt("u", ats=twice), START, RUN_ID)
        assert len(caplog.records) == 1
        capture(SeenAt("u", ats=["2024-10-27T02:30:00.1234567Z"]), START, RUN_ID)  # type: ignore[list-item]
    assert caplog.messages == [
        f"SeenAt.{name}: {notice.value}.  This is said once a class."
        for name, notice in (("at", Notice.AMBIGUOUS), ("ats", Notice.TOO_FINE))
    ]


class Loose(pydantic.BaseModel, extra="allow"):
    """Takes what it does not declare."""

    url: str


def test_fields_that_a_class_does_not_declare_are_named_once(
    database: FakeDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    """And not before there are some."""
    captures = make_captures(database)
    loose = snapshot(key="url")(Loose)
    plain, more = loose(url="a"), loose.model_validate({"url": "a", "title": "hunter2"})
    capture = ready(captures, database, loose)
    with caplog.at_level(logging.WARNING):
        records = [capture(plain, START, RUN_ID)]
        assert caplog.text == ""
        for _ in range(2):
            capture = captures.ready[loose] or capture
            records.append(capture(more, START, RUN_ID))
    assert len(set(records)) == 1
    said = (
        'An item of Loose has fields that the class does not declare (extra="allow"); they are not '
        "stored.  Declare those that matter.  This is said once."
    )
    assert caplog.messages == [said]


def test_the_spider_is_part_of_the_key_where_it_is_declared(database: FakeDatabase) -> None:
    """It is read when the class is prepared, since the spider is not there before."""
    spiders = ["a"]
    captures = Captures(
        Declarations({dict: {"table": "book", "key": "url", "per_spider": True}}),
        database.create_tables,
        database.create_tables,
        naive_timezone=None,
        max_bytes=None,
        spider=lambda: spiders[-1],
    )
    spiders.append("shop")
    price = snapshot(key="sku", per_spider=True)(make_dataclass("Price", [("sku", str)]))
    for item_class, item in ((price, price("a")), (dict, {"url": "a", "n": 1})):
        record = ready(captures, database, item_class)(item, START, RUN_ID)
        assert record.values[:2] == ("shop", "a")
        columns = captures.tables[record.table].columns
        assert [column.name for column in columns[:2] if column.role is Role.KEY] == [
            "snapshot_spider",
            columns[1].name,
        ]
