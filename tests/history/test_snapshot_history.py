"""What each question answers and refuses, on each database."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.errors import HistoryError, NoSuchEntityError
from scrapy_snapshot_pipeline.history import FieldChange, SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)
RUN = uuid.UUID("00000000-0000-4000-8000-000000000001")


class Colour(enum.Enum):
    """A key with a type of its own."""

    RED = "red"
    BLUE = "blue"


@snapshot(key=("sku", "colour"), table="kinds", untracked="url")
@dataclass
class Thing:
    """A field of every kind."""

    sku: int
    colour: Colour
    prices: dict[str, object]
    cost: Decimal | None
    rate: float
    on: dt.date
    at: dt.datetime
    clock: dt.time
    ref: uuid.UUID
    raw: bytes
    live: bool
    url: str


def thing(prices: dict[str, object], cost: str | None = "1.10", sku: int = 12) -> Thing:
    """One with these prices."""
    return Thing(
        sku, Colour.RED, prices, None if cost is None else Decimal(cost), 2.0, dt.date(2026, 1, 2),
        START, dt.time(1, 2), RUN, b"\x00\xff", live=True, url="u",
    )  # fmt: skip


@pytest.fixture
def history(database_url: str) -> Iterator[SnapshotHistory]:
    """Three days of one thing, and a book without types."""
    declarations = Declarations({dict: {"table": "book", "key": "isbn"}})
    seen: list[tuple[object, int]] = [
        (thing({"home": Decimal(2), "big": 1e16, "b": {"z": 1, "a": 1.5}}), 0),
        (thing({"home": Decimal(1), "big": 1e16, "b": {"z": 1, "a": 1.5}}), 1),
        (thing({"home": Decimal(4), "big": 1e16, "b": {"z": 1, "a": 1.5}}, None), 3),
        ({"isbn": "978-1", "title": "old", "stock": 3}, 0),
        ({"isbn": "978-1", "title": "new", "stock": 5, "more": [1]}, 1),
    ]
    store = SnapshotStore(connect_engine(database_url, connect_timeout=10))
    for item, day in seen:
        declaration = declarations.of(type(item))
        assert declaration is not None
        store.declare([declaration])
        capture = compile_capture(declaration)
        store.write(Batch((capture(item, START + day * DAY, RUN),)))
    store.close()
    with SnapshotHistory(database_url) as found:
        yield found


def test_values_come_back_typed(history: SnapshotHistory) -> None:
    """Each kind is its Python type, and JSON is parsed and sorted by name, on every database."""
    [state] = history.as_of("kinds", START)
    assert repr(state.values) == repr(
        {
            "sku": 12,
            "colour": "red",
            "prices": {"b": {"a": 1.5, "z": 1}, "big": 10**16, "home": "2"},
            "cost": Decimal("1.10"),
            "rate": 2.0,
            "on": dt.date(2026, 1, 2),
            "at": START,
            "clock": dt.time(1, 2),
            "ref": RUN,
            "raw": b"\x00\xff",
            "live": True,
            "url": "u",
        }
    )
    assert (state.changed_at, state.last_confirmed_at, state.run_at) == (START, START, None)


@pytest.mark.parametrize("key", [(12, "red"), ["12", "red"], {"sku": "12", "colour": "red"}])
def test_entity_is_found_by_its_key(history: SnapshotHistory, key: object) -> None:
    """In order or by name, as values or as text."""
    assert len(list(history.versions("kinds", key))) == 3  # type: ignore[arg-type]


def test_unknown_key_shows_similar_keys(history: SnapshotHistory) -> None:
    """The error has the key that was asked for and those that are close."""
    with pytest.raises(NoSuchEntityError, match=r"key 978-2; 1 similar key: 978-1"):
        history.versions("book", "978-2")


def test_untyped_fields_stand_for_themselves(history: SnapshotHistory) -> None:
    """A class without types shows its fields, not its one JSON column."""
    [change] = history.changes("book", since=START + DAY)
    assert change.fields == (
        FieldChange("more", None, [1]),
        FieldChange("stock", 3, 5),
        FieldChange("title", "old", "new"),
    )


def test_json_change_has_a_leaf_for_each_member(history: SnapshotHistory) -> None:
    """Of a JSON field the members that differ."""
    second = list(history.versions("kinds", (12, "red")))[1]
    [leaf] = [leaf for change in second.fields for leaf in change.leaves()]
    assert leaf == FieldChange("prices.home", "2", "1")


def test_statistics_of_a_number_inside_json(history: SnapshotHistory) -> None:
    """The mean weighs each value by its days, up to the last look: (2 * 1 + 1 * 2) / 3."""
    [found] = history.statistics("kinds", "prices.home", until=START + 9 * DAY)
    assert (found.lowest, found.highest, found.last) == (Decimal(1), Decimal(4), Decimal(4))
    assert found.mean == Decimal("1.33333333333")
    assert found.lowest_at == START + DAY


def test_movers_of_an_untyped_field(history: SnapshotHistory) -> None:
    """From the value at the time to the value now."""
    [mover] = history.movers("book", "stock", since=START)
    assert [mover.old, mover.new, mover.absolute] == [Decimal(3), Decimal(5), Decimal(2)]
    assert mover.relative == pytest.approx(2 / 3)


def test_fields_read_together_are_those_read_alone(history: SnapshotHistory) -> None:
    """One read of the table for several of its fields."""
    fields = ["cost", "prices.home"]
    assert history.movers_by_field("kinds", fields, since=START) == {
        field: list(history.movers("kinds", field, since=START)) for field in fields
    }
    steps = history.steps_by_field("kinds", (12, "red"), fields)
    assert steps == {field: list(history.steps("kinds", (12, "red"), field)) for field in fields}
    assert [step.value for step in steps["prices.home"]] == [2, 1, 4]


def test_time_stands_for_itself(history: SnapshotHistory) -> None:
    """In UTC, whatever zone it came with; what a run stands for is in test_runs.py."""
    zone = dt.timezone(dt.timedelta(hours=2))
    assert repr(history.start_of(START.astimezone(zone))) == repr(START)


def test_not_seen_since(history: SnapshotHistory) -> None:
    """What was confirmed last before that time."""
    assert len(list(history.not_seen("book", since=START + 2 * DAY))) == 1
    assert not list(history.not_seen("book", since=START + DAY))


def test_answers_may_be_read_twice_and_at_once(history: SnapshotHistory) -> None:
    """Each reading asks anew, and one does not disturb another."""
    answer = history.changes("kinds")
    assert len(list(zip(answer, answer, strict=True))) == 3


@pytest.mark.parametrize(
    ("ask", "problem"),
    [
        (lambda h: h.current("nothing"), "there are book, kinds"),
        (lambda h: h.current("book", where={"title": "x"}), "not a key field of book"),
        (lambda h: h.versions("kinds", 12), r"has 2 fields"),
        (lambda h: h.versions("kinds", ("x", "red")), r"kinds\.sku"),
        (lambda h: h.movers("kinds", "colour", since=START), "its numbers are sku, cost, rate"),
    ],
)
def test_question_without_sense_is_refused(
    history: SnapshotHistory, ask: object, problem: str
) -> None:
    """The error says what there is instead."""
    with pytest.raises(HistoryError, match=problem):
        ask(history)  # type: ignore[operator]
