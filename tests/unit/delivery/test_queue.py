from __future__ import annotations

import gc
from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from scrapy_snapshot_pipeline.delivery.queue import SnapshotQueue
from scrapy_snapshot_pipeline.errors import QueueClosedError
from scrapy_snapshot_pipeline.records import SnapshotRecord
from tests.unit.fakes import make_record

Queue = SnapshotQueue[SnapshotRecord]
PLENTY = 10**9


def make_queue(max_records: int = PLENTY, max_bytes: int = PLENTY) -> Queue:
    """Make an empty queue."""
    return SnapshotQueue(max_records=max_records, max_bytes=max_bytes)


def put_many(queue: Queue, *records: SnapshotRecord) -> list[Deferred[None]]:
    """Put each record; give the Deferreds of admission."""
    return [queue.put(record) for record in records]


def fired(deferreds: list[Deferred[None]]) -> list[bool]:
    """Say of each Deferred whether it fired."""
    return [deferred.called for deferred in deferreds]


def failure_of(deferred: Deferred[None]) -> list[str]:
    """Give what a Deferred says that failed because the queue is closed."""
    errors: list[str] = []

    def note(failure: Failure) -> None:
        assert isinstance(failure.value, QueueClosedError)
        errors.append(str(failure.value))

    deferred.addErrback(note)
    return errors


def test_records_come_out_in_the_order_of_their_put() -> None:
    """First in, first out, over several takes."""
    queue = make_queue()
    records = [make_record(number) for number in range(5)]
    put_many(queue, *records)
    assert [*queue.take(2, PLENTY), *queue.take(9, PLENTY)] == records


def test_take_gives_what_is_there() -> None:
    """A batch never waits to be full."""
    queue = make_queue()
    queue.put(make_record())
    assert len(queue.take(500, PLENTY)) == 1
    assert queue.take(500, PLENTY) == ()


def test_take_stops_at_its_bytes() -> None:
    """A batch holds no more bytes than it may."""
    queue = make_queue()
    put_many(queue, *(make_record(number, size=4) for number in range(3)))
    assert len(queue.take(500, 8)) == 2


def test_take_gives_a_large_record_alone() -> None:
    """A record above the batch's bytes goes through in a batch of its own."""
    queue = make_queue()
    put_many(queue, make_record(1, size=100), make_record(2, size=1))
    assert len(queue.take(500, 8)) == 1


def test_put_waits_above_the_record_bound() -> None:
    """A full queue admits the next one when something was taken."""
    queue = make_queue(max_records=2)
    admitted = put_many(queue, *(make_record(number) for number in range(3)))
    assert fired(admitted) == [True, True, False]
    queue.take(1, PLENTY)
    assert fired(admitted) == [True, True, True]


def test_put_waits_above_the_byte_bound() -> None:
    """Bytes bound the queue as records do."""
    queue = make_queue(max_bytes=10)
    admitted = put_many(queue, make_record(1, size=6), make_record(2, size=6))
    assert fired(admitted) == [True, False]
    assert queue.size == 6


def test_a_queue_may_be_filled_to_its_last_byte() -> None:
    """One more has to wait."""
    queue = make_queue(max_bytes=10)
    assert fired(put_many(queue, make_record(1, size=6), make_record(2, size=4))) == [True, True]
    assert not queue.put(make_record(3, size=1)).called


def test_a_record_larger_than_the_queue_is_admitted_when_it_is_empty() -> None:
    """Otherwise it would never be."""
    queue = make_queue(max_bytes=10)
    admitted = put_many(queue, make_record(1), make_record(2, size=99))
    assert fired(admitted) == [True, False]
    queue.take(1, PLENTY)
    assert fired(admitted) == [True, True]


def test_nobody_overtakes_who_waits() -> None:
    """A small record does not slip in before a large one that came first."""
    queue = make_queue(max_bytes=10)
    records = [make_record(1, size=6), make_record(2, size=6), make_record(3, size=1)]
    admitted = put_many(queue, *records)
    assert fired(admitted) == [True, False, False]
    taken = [queue.take(1, PLENTY)[0] for _ in records]
    assert taken == records


def test_whoever_is_woken_may_put_at_once() -> None:
    """A put from inside an admission joins the end of the line."""
    queue = make_queue(max_records=1)
    put_many(queue, make_record(1))
    second, _third = put_many(queue, make_record(2), make_record(3))
    second.addCallback(lambda _: queue.put(make_record(4)))
    numbers = [queue.take(1, PLENTY)[0].snapshot_id for _ in range(4)]
    assert numbers == [1, 2, 3, 4]


def test_not_empty_fires_on_put() -> None:
    """The taker is woken by the first record, and at once when there is one."""
    queue = make_queue()
    arrival = queue.not_empty()
    assert fired([arrival]) == [False]
    queue.put(make_record())
    assert fired([arrival]) == [True]
    assert queue.not_empty().called


def test_close_wakes_the_taker() -> None:
    """Nobody waits for records that cannot come."""
    queue = make_queue()
    arrival = queue.not_empty()
    queue.close()
    assert arrival.called
    assert queue.not_empty().called


def test_put_after_close_fails() -> None:
    """A closed queue says so."""
    queue = make_queue()
    queue.close()
    assert failure_of(queue.put(make_record())) == [
        "the snapshot queue is closed; no record can be added"
    ]
    assert len(queue) == 0


def test_close_keeps_what_is_there() -> None:
    """What was queued or waits can still be taken after the close."""
    queue = make_queue(max_records=1)
    admitted = put_many(queue, make_record(1), make_record(2))
    before = queue.closed
    queue.close()
    assert (before, queue.closed) == (False, True)
    queue.take(1, PLENTY)
    assert fired(admitted) == [True, True]
    assert len(queue.take(1, PLENTY)) == 1


def test_drain_gives_queued_and_waiting_and_fails_the_waiting() -> None:
    """Nothing is left behind, and nobody waits for ever."""
    queue = make_queue(max_records=1)
    records = [make_record(1), make_record(2)]
    admitted = put_many(queue, *records)
    errors = failure_of(admitted[1])
    assert queue.drain() == tuple(records)
    assert errors == ["the snapshot queue was closed before there was room"]
    assert (len(queue), queue.size, queue.waiting, queue.closed) == (0, 0, 0, True)


def test_a_drain_that_nobody_waits_for_is_no_unhandled_error() -> None:
    """A closing crawl has let go of the items whose admission it refuses."""
    queue = make_queue(max_records=1)
    put_many(queue, make_record(1), make_record(2))
    gc.collect()  # what earlier tests have left
    with capturedLogs() as logged:
        queue.drain()
        gc.collect()
    assert logged == []


@pytest.mark.parametrize(
    ("records", "size", "expected"), [(2, PLENTY, True), (PLENTY, 8, True), (3, 9, False)]
)
def test_holds_counts_records_and_bytes(records: int, size: int, expected: bool) -> None:
    """A batch is full by either limit."""
    queue = make_queue()
    put_many(queue, make_record(1, size=4), make_record(2, size=4))
    assert queue.holds(records, size) is expected


def test_a_full_queue_holds_a_batch_of_any_size() -> None:
    """A batch larger than the queue would never be full otherwise."""
    queue = make_queue(max_records=1)
    put_many(queue, make_record(1), make_record(2))
    assert queue.holds(PLENTY, PLENTY)


def test_repr_shows_sizes() -> None:
    """The state can be read in a debugger and holds no scraped value."""
    queue = make_queue(max_records=1, max_bytes=9)
    put_many(queue, make_record(1, size=4), make_record(2))
    queue.close()
    assert repr(queue) == "<SnapshotQueue 1/1 records, 4/9 bytes, 1 waiting, closed>"


class QueueMachine(RuleBasedStateMachine):
    """Any puts and takes, against a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = make_queue(max_records=4, max_bytes=10)
        self.model: deque[tuple[SnapshotRecord, Deferred[None]]] = deque()
        self.number = 0

    @rule(size=st.integers(1, 12))
    def put(self, size: int) -> None:
        """Put one more record."""
        self.number += 1
        record = make_record(self.number, size=size)
        self.model.append((record, self.queue.put(record)))

    @rule(records=st.integers(1, 5), size=st.integers(1, 12))
    def take(self, records: int, size: int) -> None:
        """Take a batch: in order, admitted before, within its limits."""
        there = len(self.queue)
        taken = self.queue.take(records, size)
        assert len(taken) <= records
        assert bool(taken) == bool(there)
        assert len(taken) <= 1 or sum(record.size for record in taken) <= size
        for record in taken:
            expected, admitted = self.model.popleft()
            assert record is expected
            assert admitted.called

    @invariant()
    def bounds_are_kept(self) -> None:
        """Never more than allowed, but for a single large record."""
        assert len(self.queue) <= 4
        assert len(self.queue) <= 1 or self.queue.size <= 10

    @invariant()
    def admission_is_in_order_and_not_late(self) -> None:
        """The admitted ones are the oldest, and whoever waits had no room."""
        queued = len(self.queue)
        assert [admitted.called for _, admitted in self.model] == [
            position < queued for position in range(len(self.model))
        ]
        assert self.queue.size == sum(record.size for record, _ in list(self.model)[:queued])
        if self.queue.waiting:
            first = self.model[queued][0]
            assert queued == 4 or (queued and self.queue.size + first.size > 10)


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
