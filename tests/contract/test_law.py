"""The law of history on each database: what `tests/unit/scd2` says of plans is what is stored."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.records import Batch, Outcome, seen_at
from tests.contract.entities import Observation, at, record
from tests.contract.history import History, Row
from tests.contract.stores import DATABASES, DatabaseStore, fold, found_at, write
from tests.unit.scd2.entity import Content, Seen
from tests.unit.scd2.orders import promised

INSERTED, REVISED, CONFIRMED = Outcome.INSERTED, Outcome.REVISED, Outcome.CONFIRMED

_numbers = itertools.count()
_shared = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[DatabaseStore]:
    """Each database in turn, empty."""
    url, far = found_at(request, request.param)
    made = DatabaseStore(url, far=far)
    yield made
    made.close()


def seen(second: int, score: int = 0, /, **markets: int) -> Observation:
    """See the one entity of a test."""
    return Observation("arsenal", second, score, markets)


def sent(store: DatabaseStore, *observations: Observation) -> list[Outcome]:
    """Send each in a batch of its own."""
    return [outcome for one in observations for outcome in write(store, one)]


def intervals(history: History) -> list[tuple[int, int, int | None]]:
    """Score and time of the versions that last."""
    return [(v.score, v.valid_from, v.valid_to) for v in history.lasting]


def rows_of(history: History, market: str) -> set[tuple[int, int, int | None]]:
    """Content and time of the rows of a market and, where it has the same times, of its selection.

    A market's number is the content of both.
    """
    rows = history.lasting_rows
    markets = {(r.valid_from, r.valid_to): r.content for r in rows if r.path == (market,)}
    selections = {(r.valid_from, r.valid_to): r.content for r in rows if r.path == (market, "home")}
    assert markets.keys() == selections.keys()
    return {(selections[time] * 3 + markets[time], *time) for time in markets}


def read(store: DatabaseStore) -> History:
    """What is stored of the one entity, which must be a history."""
    history = store.history("arsenal")
    assert history.fault() is None
    return history


def test_late_equal_content_reaches_back(database: DatabaseStore) -> None:
    """The row stays, and so does what it was stored with."""
    write(database, seen(12, a=4))
    [before] = database.stored_versions("arsenal")

    result = database.write(Batch((record(seen(11, a=4)),)))

    assert (result.outcomes, result.late) == ((CONFIRMED,), 0)
    assert (result.children_inserted, result.children_ended) == (0, 0)
    [after] = database.stored_versions("arsenal")
    assert after._asdict() == before._asdict() | {"valid_from": at(11)}
    assert rows_of(read(database), "a") == {(4, 11, None)}


def test_late_content_of_the_next_version_begins_it_earlier(database: DatabaseStore) -> None:
    """A late B of equal content makes the B that follows begin earlier."""
    assert sent(database, seen(10, 1), seen(12, 2), seen(11, 2)) == [INSERTED, REVISED, CONFIRMED]
    assert intervals(read(database)) == [(1, 10, 11), (2, 11, None)]


def test_late_content_joins_the_next_of_two_equal_ones(database: DatabaseStore) -> None:
    """It joins the later A backwards, and cuts the B in between."""
    sent(database, seen(100, 1), seen(120, 2), seen(140, 1))

    assert write(database, seen(125, 1)) == (CONFIRMED,)
    assert intervals(read(database)) == [(1, 100, 120), (2, 120, 125), (1, 125, None)]


def test_a_late_change_that_is_one_child_begins_it_earlier(database: DatabaseStore) -> None:
    """The same for a child row: one row, not two that touch."""
    sent(database, seen(10, a=4, b=1), seen(12, a=5, b=1))

    assert write(database, seen(11, a=5, b=1)) == (CONFIRMED,)
    history = read(database)
    assert rows_of(history, "b") == {(1, 10, None)}
    markets = {(r.content, r.valid_from, r.valid_to) for r in history.rows if r.path == ("a",)}
    assert markets == {(1, 10, 11), (2, 11, None)}


def test_an_archive_in_the_order_of_its_days(database: DatabaseStore) -> None:
    """An archive in the order of its days, before what is known, splits the widened version."""
    archive = [
        seen(1, 1),
        *(seen(day, 2) for day in range(11, 21)),
        *(seen(day, 1) for day in range(21, 31)),
    ]
    sent(database, seen(31, 1), *archive)
    assert intervals(read(database)) == [(1, 1, 11), (2, 11, 21), (1, 21, None)]
    before = database.history("arsenal")

    assert set(write(database, *archive)) == {CONFIRMED, Outcome.COALESCED}
    assert intervals(read(database)) == intervals(before)


def test_a_row_that_reached_back_is_cut_before_its_own_observation(
    database: DatabaseStore,
) -> None:
    """Neither piece meets the key of the other."""
    sent(database, seen(100), seen(140, 1, a=4), seen(125, 2, a=4))
    assert rows_of(read(database), "a") == {(4, 125, None)}

    assert write(database, seen(135, 3)) == (REVISED,)
    assert rows_of(read(database), "a") == {(4, 125, 135), (4, 140, None)}


def test_a_version_that_is_split_is_copied_with_all_its_columns(database: DatabaseStore) -> None:
    """Values, untracked ones too, and run are those of the stored row; ids and times its own."""
    sent(database, seen(14, 7, a=4, b=5), seen(10, 7, a=4, b=5))

    result = database.write(Batch((record(seen(12, 8, b=5)),)))

    assert (result.outcomes, result.late) == ((REVISED,), 1)
    assert (result.children_inserted, result.children_ended) == (2, 0)  # the pieces of a
    piece, _, stored = database.stored_versions("arsenal")
    moved = {name: getattr(stored, name) for name in stored._fields}
    moved |= {
        "snapshot_id": record(seen(10, 7, a=4, b=5)).snapshot_id,
        "valid_from": at(10),
        "last_confirmed_at": at(10),
        "valid_to": at(12),
    }
    assert piece._asdict() == moved
    assert (stored.valid_from, seen_at(stored.snapshot_id)) == (at(14), at(14))
    history = read(database)
    assert intervals(history) == [(7, 10, 12), (8, 12, 14), (7, 14, None)]
    assert rows_of(history, "a") == {(4, 10, 12), (4, 14, None)}
    assert rows_of(history, "b") == {(5, 10, None)}


def test_a_row_is_cut_twice(database: DatabaseStore) -> None:
    """Before and behind the observation that brought it, in one batch and in two."""
    sent(database, *(seen(10 * number, number, a=4) for number in range(1, 5)))
    write(database, seen(25, 8), seen(15, 9))
    write(database, seen(35, 8, a=8))

    assert rows_of(read(database), "a") == {
        (4, 10, 15),
        (4, 20, 25),
        (4, 30, 35),
        (8, 35, 40),
        (4, 40, None),
    }


def test_children_of_a_moment(database: DatabaseStore) -> None:
    """All rows of its own, without length; the version after it is not touched by it."""
    sent(database, seen(10, a=4, b=1), seen(20, a=4, b=1))

    result = database.write(Batch((record(seen(15, 1, a=4, c=2)),)))

    assert (result.outcomes, result.late) == ((REVISED,), 1)
    history = read(database)
    assert history.moments == (15,)
    assert {r for r in history.rows if r.valid_from == r.valid_to} == {
        Row(("a",), 1, 15, 15),
        Row(("a", "home"), 1, 15, 15),
        Row(("c",), 2, 15, 15),
        Row(("c", "home"), 0, 15, 15),
    }
    write(database, seen(25, 1, a=4, c=2))
    assert rows_of(read(database), "a") == {(4, 10, None)}
    assert rows_of(read(database), "c") == {(2, 25, None)}


def test_content_that_ends_where_another_begins_is_confirmed(database: DatabaseStore) -> None:
    """Nothing is written, and what ends there was read."""
    sent(database, seen(10, 1), seen(12, 2))
    before = database.history("arsenal")

    result = database.write(Batch((record(seen(12, 1)),)))

    assert (result.outcomes, result.late) == ((CONFIRMED,), 0)
    assert database.history("arsenal") == before


def test_a_whole_history_in_one_batch(database: DatabaseStore) -> None:
    """New rows are split and cut like stored ones."""
    batch = [seen(14, a=4), seen(10, a=4), seen(12, 1), seen(20, 2, a=4), seen(17, 3, a=8)]
    outcomes = write(database, *batch)
    assert outcomes == (INSERTED, Outcome.COALESCED, REVISED, REVISED, REVISED)

    history = read(database)
    assert intervals(history) == [
        (0, 10, 12),
        (1, 12, 14),
        (0, 14, 17),
        (3, 17, 20),
        (2, 20, None),
    ]
    assert rows_of(history, "a") == {(4, 10, 12), (4, 14, 17), (8, 17, 20), (4, 20, None)}


def test_a_repeated_attempt_at_a_history_with_late_records(database: DatabaseStore) -> None:
    """It finds what it wrote, and writes nothing twice."""
    batch = [seen(10, 1, a=4), seen(12, 2, a=4), seen(14, 1), seen(13, 3, a=4), seen(12, 4, a=5)]
    first = write(database, *batch)
    before = database.history("arsenal")

    assert write(database, *batch, attempt=2) == first
    assert database.history("arsenal") == before


def test_crawlers_that_see_the_same_in_different_orders(database: DatabaseStore) -> None:
    """Each entity has one version, from the first look to the last."""
    chance = random.Random(5)  # noqa: S311 - repeatable is the point
    names = [f"e{number}" for number in range(60)]
    looks = []
    for crawler in range(4):
        order = chance.sample(names, len(names))
        looks.append([Observation(n, 10 * i + crawler, 0, {"a": 4}) for i, n in enumerate(order)])

    while any(looks):
        own = chance.choice([each for each in looks if each])
        size = chance.randint(1, 20)
        write(database, *own[:size])
        del own[:size]

    for name in names:
        history = database.history(name)
        [version] = history.versions
        assert version.valid_to is None
        assert version.valid_from < version.last_confirmed_at
        assert {(r.valid_from, r.valid_to) for r in history.rows} == {(version.valid_from, None)}


def test_an_outage_a_second_crawl_and_then_the_dead_letters(database: DatabaseStore) -> None:
    """What is replayed are confirmations that reach back."""
    names = [f"e{number}" for number in range(50)]
    letters = [Observation(name, 1, 0, {"a": 4}) for name in names]
    write(database, *(Observation(name, 100, 0, {"a": 4}) for name in names))

    assert set(write(database, *letters)) == {CONFIRMED}

    assert all(intervals(database.history(name)) == [(0, 1, None)] for name in names)


_contents = st.tuples(
    st.integers(0, 1), st.dictionaries(st.sampled_from("ab"), st.integers(0, 4), max_size=2)
)


@st.composite
def _arrivals(draw: st.DrawFn) -> list[tuple[int, tuple[int, Mapping[str, int]]]]:
    """Observations in any order: second and content."""
    few = draw(st.lists(_contents, min_size=2, max_size=3))
    one = st.tuples(st.integers(0, 9), st.sampled_from(few))
    return draw(st.lists(one, min_size=1, max_size=10))


_cuts = st.lists(st.tuples(st.booleans(), st.integers(1, 2)), min_size=10, max_size=10)
"""After each record: whether the batch ends, and the attempt that it is sent as."""


def _sent_in_batches(
    store: DatabaseStore,
    observations: Sequence[Observation],
    cuts: Sequence[tuple[bool, int]],
) -> None:
    batch: list[Observation] = []
    for one, (cut, attempt) in zip(observations, cuts, strict=False):
        batch.append(one)
        if cut:
            write(store, *batch, attempt=attempt)
            batch = []
    if batch:
        write(store, *batch)


def _seen(one: Observation) -> Seen:
    return Seen(one.second, Content(str(one.score), tuple(sorted(one.markets.items()))))


@_shared
@given(arrivals=_arrivals(), cuts=_cuts)
def test_any_promised_order_in_any_batches_gives_the_fold(
    database: DatabaseStore,
    arrivals: Sequence[tuple[int, tuple[int, Mapping[str, int]]]],
    cuts: Sequence[tuple[bool, int]],
) -> None:
    """First sent or sent again: versions, rows and their times."""
    name = f"promised{next(_numbers)}"
    of_content = {_seen(o): o for o in (Observation(name, s, *c) for s, c in arrivals)}
    observations = [
        of_content[one] for one in promised([_seen(Observation(name, s, *c)) for s, c in arrivals])
    ]
    _sent_in_batches(database, observations, cuts)

    history = database.history(name)
    expected = fold(sorted(observations, key=lambda one: one.second))
    assert history.fault() is None
    assert intervals(history) == intervals(expected)
    assert history.rows == expected.rows
    assert not history.moments
    _sent_in_batches(database, observations, cuts)
    assert intervals(database.history(name)) == intervals(expected)
    assert database.history(name).rows == expected.rows


@_shared
@given(arrivals=_arrivals(), cuts=_cuts)
def test_every_order_keeps_normal_form(
    database: DatabaseStore,
    arrivals: Sequence[tuple[int, tuple[int, Mapping[str, int]]]],
    cuts: Sequence[tuple[bool, int]],
) -> None:
    """Also where the fold is not promised: what begins somewhere was seen there, whole."""
    name = f"any{next(_numbers)}"
    observations = [Observation(name, second, *content) for second, content in arrivals]
    _sent_in_batches(database, observations, cuts)

    history = database.history(name)
    assert history.fault() is None
    for time in (v.valid_from for v in history.lasting):
        states = [fold([o]).state_at(time) for o in observations if o.second == time]
        assert history.state_at(time) in states
