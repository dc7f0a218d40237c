"""Properties of the law, for any observations in any order, in any batches, from many writers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.records import Outcome
from tests.unit.scd2 import fold
from tests.unit.scd2.entity import Content, Seen, at, second
from tests.unit.scd2.memory import Memory
from tests.unit.scd2.orders import promised

CHILDREN = ("a", "b", "n")
MANY = settings(max_examples=max(200, settings().max_examples))

contents = st.builds(
    Content,
    st.sampled_from("AB"),
    st.fixed_dictionaries({}, optional=dict.fromkeys(CHILDREN, st.integers(1, 2))).map(
        lambda children: tuple(sorted(children.items()))
    ),
)
some_contents = st.lists(contents, min_size=2, max_size=3, unique=True)
"""Few, so that equal ones meet."""


@st.composite
def arrivals(draw: st.DrawFn) -> list[Seen]:
    """Observations in any order, some of them more than once."""
    few = draw(some_contents)
    one = st.builds(Seen, st.integers(0, 11), st.sampled_from(few))
    return draw(st.lists(one, min_size=1, max_size=12))


class Sending(NamedTuple):
    """How a batch is sent."""

    size: int
    retried: bool
    confirm: bool


sendings = st.lists(
    st.builds(Sending, st.integers(1, 4), st.booleans(), st.booleans()), min_size=12, max_size=12
)


def batches(
    observations: Sequence[Seen], sendings: Sequence[Sending]
) -> list[tuple[list[Seen], Sending]]:
    """Cut observations into batches."""
    left, found = list(observations), []
    for sending in sendings:
        batch, left = left[: sending.size], left[sending.size :]
        if batch:
            found.append((batch, sending))
    return found


def one_by_one(observations: Sequence[Seen]) -> Memory:
    """What is stored after each came in a batch of its own."""
    memory = Memory()
    for one in observations:
        memory.send(one)
    return memory


def assert_is_fold(memory: Memory, observations: Sequence[Seen]) -> None:
    """Versions and rows, and their times, are those of the fold; so are confirmations.

    But for that of a row that was split off: what was seen in it before is not known any more.
    """
    expected = fold.versions(observations)
    stored = memory.lasting()
    assert [
        (memory.contents[v.snapshot_id], second(v.valid_from), second(v.valid_to)) for v in stored
    ] == expected
    for version, span in zip(stored, expected, strict=True):
        last = at(fold.last_confirmed(observations, span))
        assert version.last_confirmed_at <= last
        assert version.last_confirmed_at == last or version.snapshot_id in memory.split_off
    for child in CHILDREN:
        rows = memory.rows(child)
        assert [
            (row.content_hash[0], second(row.valid_from), second(row.valid_to)) for row in rows
        ] == fold.rows(observations, child)
    assert not memory.moments()


@MANY
@given(arrivals(), sendings)
def test_any_promised_order_in_any_batches_gives_the_fold(
    observations: Sequence[Seen], sendings: Sequence[Sending]
) -> None:
    """Whoever sends them, first or again, confirmed by the short way or not."""
    observations = promised(observations)
    memory = Memory()
    for batch, sending in batches(observations, sendings):
        memory.send(*batch, retried=sending.retried, confirm=sending.confirm)
        memory.check()
    assert_is_fold(memory, observations)


@given(arrivals(), sendings)
def test_batches_do_not_matter(observations: Sequence[Seen], sendings: Sequence[Sending]) -> None:
    """What is stored of the versions is the same, to the ids, as if each had come alone."""
    memory = Memory()
    for batch, sending in batches(observations, sendings):
        memory.send(*batch, confirm=sending.confirm)
    alone = one_by_one(observations)
    assert (memory.versions, memory.contents) == (alone.versions, alone.contents)
    assert memory.late == alone.late
    for child in CHILDREN:
        assert memory.child_line(child) == alone.child_line(child)


@given(arrivals(), sendings)
def test_outcomes_and_late_ones_are_those_of_the_fold(
    observations: Sequence[Seen], sendings: Sequence[Sending]
) -> None:
    """REVISED is what is alone in its version, and late what then is not current."""
    observations = promised(observations)
    memory = Memory()
    sent: list[Seen] = []
    late = 0
    for batch, sending in batches(observations, sendings):
        expected = []
        for index, one in enumerate(batch):
            repeats = index > 0 and batch[index - 1].content == one.content
            expected.append(fold.outcome(sent, one, repeats=repeats))
            late += fold.is_late(sent, one)
            sent.append(one)
        assert memory.send(*batch, confirm=sending.confirm) == expected
        assert memory.late == late


@MANY
@given(arrivals(), sendings)
def test_every_order_keeps_normal_form(
    observations: Sequence[Seen], sendings: Sequence[Sending]
) -> None:
    """Also where the fold is not promised; and each observation is stored, or was confirmed."""
    memory = Memory()
    for batch, sending in batches(observations, sendings):
        outcomes = memory.send(*batch, retried=sending.retried, confirm=sending.confirm)
        memory.check()
        for one, outcome in zip(batch, outcomes, strict=True):
            own = outcome in (Outcome.INSERTED, Outcome.REVISED)
            assert not own or one.content in memory.contents.values()
    seen = {(one.content, one.second) for one in observations}
    assert {(moment.content, moment.second) for moment in memory.moments()} <= seen
    for version in memory.lasting():
        begin = second(version.valid_from) or 0
        assert (memory.contents[version.snapshot_id], begin) in seen
        last = second(version.last_confirmed_at) or 0
        assert (memory.contents[version.snapshot_id], last) in seen


@given(arrivals(), sendings, st.data())
def test_what_comes_back_changes_nothing(
    observations: Sequence[Seen], sendings: Sequence[Sending], data: st.DataObject
) -> None:
    """Retries, replays and second imports, in any order, at any time after."""
    observations = promised(observations)
    memory = one_by_one(observations)
    before = {v.snapshot_id: v for v in memory.versions.values()}
    children = dict(memory.children)

    again = data.draw(st.lists(st.sampled_from(observations), min_size=1, max_size=12))
    for batch, sending in batches(again, sendings):
        outcomes = memory.send(*batch, retried=sending.retried, confirm=sending.confirm)
        assert sending.retried or {*outcomes} <= {Outcome.CONFIRMED, Outcome.COALESCED}

    assert memory.children == children
    for snapshot_id, version in memory.versions.items():
        stored = before.pop(snapshot_id)
        if snapshot_id in memory.split_off:  # it takes note again of what was seen in it
            stored = stored._replace(last_confirmed_at=version.last_confirmed_at)
        assert version == stored
    assert not before
    assert_is_fold(memory, observations)


@given(arrivals(), st.lists(st.tuples(st.integers(12, 20), contents), min_size=1, max_size=5))
def test_a_retried_batch_reports_what_it_was(
    observations: Sequence[Seen], newer: Sequence[tuple[int, Content]]
) -> None:
    """A crawl's batch is in the order of time, and as a rule later than what is stored."""
    memory = one_by_one(observations)
    batch = [Seen(*one) for one in sorted(newer, key=lambda one: one[0])]
    first = memory.send(*batch)
    before = memory.snapshot()

    assert memory.send(*batch, retried=True) == first
    assert memory.snapshot() == before


@given(arrivals())
def test_a_retried_first_batch_reports_what_it_was(observations: Sequence[Seen]) -> None:
    """In the order of time: of an entity that was not known."""
    batch = sorted(observations, key=lambda one: one.second)
    memory = Memory()
    first = memory.send(*batch)
    before = memory.snapshot()

    assert memory.send(*batch, retried=True) == first
    assert memory.snapshot() == before
