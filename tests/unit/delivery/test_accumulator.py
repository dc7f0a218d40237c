from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.delivery.accumulator import Accumulator
from scrapy_snapshot_pipeline.delivery.in_flight import Pending
from scrapy_snapshot_pipeline.delivery.ports import DeliveryOptions
from scrapy_snapshot_pipeline.delivery.queue import SnapshotQueue
from tests.unit.delivery.rig import LINGER
from tests.unit.fakes import ManualClock, make_record


class AccumulatorRig:
    """An accumulator on a clock that the test turns, and the batches that were taken from it."""

    def __init__(
        self, *, queue_size: int = 100, batch_size: int = 3, batch_bytes: int = 100
    ) -> None:
        self.clock = ManualClock()
        self.accumulator = Accumulator(
            SnapshotQueue[Pending](max_records=queue_size, max_bytes=1000),
            DeliveryOptions(
                queue_size=queue_size,
                queue_bytes=1000,
                batch_size=batch_size,
                batch_bytes=batch_bytes,
                linger=LINGER,
            ),
            self.clock.call_later,
        )
        self.taken: list[list[int]] = []

    def append(self, *numbers: int, size: int = 1) -> None:
        """Append a record for each number."""
        for number in numbers:
            record = make_record(number, size=size)
            self.accumulator.append(Pending(record, size, lambda _: None))

    def take(self) -> None:
        """Take a batch, now or as soon as one is due, as a sender does that was idle or busy."""
        taking = Deferred.fromCoroutine(self.accumulator.next_batch())
        taking.addCallback(lambda batch: self.taken.append(numbers_of(batch)))


def numbers_of(batch: Iterable[Pending]) -> list[int]:
    """The numbers of its records."""
    return [pending.record.snapshot_id for pending in batch]


def lingering() -> AccumulatorRig:
    """A rig whose sender was idle, and lingers after record 1."""
    rig = AccumulatorRig()
    rig.take()
    rig.append(1)
    return rig


# When a batch is due


def test_an_idle_sender_starts_a_linger_after_the_first_record() -> None:
    """Records that come close together share a batch."""
    rig = lingering()
    rig.clock.advance(LINGER / 2)
    rig.append(2)
    assert rig.taken == []
    rig.clock.advance(LINGER / 2)
    assert rig.taken == [[1, 2]]


def test_a_batch_never_waits_to_be_full() -> None:
    """One record alone is due after the linger: Scrapy holds the crawl until it is acknowledged."""
    rig = lingering()
    rig.clock.advance(LINGER)
    assert rig.taken == [[1]]


def test_a_full_batch_does_not_linger() -> None:
    """It is taken as soon as it is full by records; the rest waits for the next batch."""
    rig = AccumulatorRig(batch_size=3)
    rig.take()
    rig.append(1, 2, 3, 4)
    assert rig.taken == [[1, 2, 3]]
    assert rig.accumulator.pending == 1
    assert rig.clock.calls == []


def test_a_batch_full_by_bytes_does_not_linger() -> None:
    """It is taken as soon as it has enough bytes; the rest waits for the next batch."""
    rig = AccumulatorRig(batch_size=50, batch_bytes=10)
    rig.take()
    rig.append(1, 2, 3, size=4)
    assert rig.taken == [[1, 2]]
    assert rig.accumulator.pending == 1


def test_a_full_queue_does_not_linger() -> None:
    """A batch that would be larger than the queue starts with what the queue holds."""
    rig = AccumulatorRig(queue_size=2, batch_size=50)
    rig.take()
    rig.append(1, 2)
    assert rig.taken == []
    rig.append(3)
    assert rig.taken == [[1, 2]]


def test_a_busy_sender_does_not_linger() -> None:
    """It takes what has gathered, up to the limit of a batch."""
    rig = AccumulatorRig(batch_size=3)
    rig.append(1, 2, 3, 4)
    rig.take()
    rig.take()
    assert rig.taken == [[1, 2, 3], [4]]


def test_it_lingers_again_after_it_was_idle() -> None:
    """A sender that has caught up is an idle one."""
    rig = lingering()
    rig.clock.advance(LINGER)
    rig.take()
    rig.append(2)
    assert rig.taken == [[1]]
    rig.clock.advance(LINGER)
    assert rig.taken == [[1], [2]]


def test_hastening_ends_only_the_present_linger() -> None:
    """The crawl is paused and no more records can come, but later they can again."""
    rig = lingering()
    rig.accumulator.hasten()
    assert rig.taken == [[1]]
    rig.take()
    rig.append(2)
    assert rig.taken == [[1]]


def test_to_stop_lingering_ends_the_present_and_all_later_lingers() -> None:
    """When the crawl closes, each record is due at once."""
    rig = lingering()
    rig.accumulator.stop_lingering()
    rig.take()
    rig.append(2)
    assert rig.taken == [[1], [2]]


# The end


def test_closing_when_empty_ends_an_idle_sender_at_once() -> None:
    """It gets an empty batch."""
    rig = AccumulatorRig()
    rig.take()
    rig.accumulator.close_when_empty()
    assert rig.taken == [[]]


def test_closing_when_empty_takes_records_on_until_then() -> None:
    """A record may still come while the sender is busy."""
    rig = AccumulatorRig()
    rig.append(1)
    rig.take()
    rig.accumulator.close_when_empty()
    rig.append(2)
    rig.take()
    rig.take()
    assert rig.taken == [[1], [2], []]


def test_what_was_drained_is_in_no_batch() -> None:
    """A sender that lingers gets an empty batch when the accumulator closes."""
    rig = lingering()
    rig.append(2)
    assert numbers_of(rig.accumulator.drain()) == [1, 2]
    rig.accumulator.close()
    assert rig.taken == [[]]
    assert rig.clock.calls == []


def test_repr_shows_the_state() -> None:
    """The state can be read in a debugger."""
    rig = AccumulatorRig()
    queue = "<SnapshotQueue {}/100 records, {}/1000 bytes, 0 waiting>"
    shown = [repr(rig.accumulator)]
    rig.take()
    shown.append(repr(rig.accumulator))
    rig.append(1)
    shown.append(repr(rig.accumulator))
    assert shown == [
        f"<Accumulator gathering, {queue.format(0, 0)}>",
        f"<Accumulator idle, {queue.format(0, 0)}>",
        f"<Accumulator lingering, {queue.format(1, 1)}>",
    ]
