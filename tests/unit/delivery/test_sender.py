from __future__ import annotations

import asyncio

import pytest
from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.delivery.ports import BROKEN, REJECTED, UNAVAILABLE
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.errors import (
    AmbiguousCommitError,
    BadDataError,
    ConflictError,
    ContentionError,
    FatalWriteError,
    SystemicError,
)
from scrapy_snapshot_pipeline.records import Batch, Outcome, WriteResult
from tests.unit.delivery.rig import (
    DEAD_LETTERED,
    INSERTED,
    ClumsyRig,
    DeliveryRig,
    retriable,
    rig_asleep,
    rig_in_flight,
)


def test_writes_count_as_slow_until_one_was_quick() -> None:
    """The last write counts."""
    rig = rig_in_flight()
    found = [rig.delivery.slow]
    rig.worker.step()
    found.append(rig.delivery.slow)
    rig.submit(2)
    rig.linger()
    rig.clock.advance(0.03)
    rig.worker.step()
    found.append(rig.delivery.slow)
    assert found == [True, False, True]


def test_an_outage_is_waited_for_until_its_time_is_up() -> None:
    """After 1, 2 and 4 seconds with a chance of 1; the last attempt comes at the limit of 7."""
    rig = DeliveryRig(*(retriable() for _ in range(4)))
    rig.submit(1)
    rig.linger()
    rig.worker.step()
    for delay in (1.0, 2.0, 4.0):
        rig.clock.advance(delay * 0.99)
        assert rig.held == []
        rig.clock.advance(delay * 0.01)
        assert rig.held == [[1]]
        rig.worker.step()
    assert [batch.attempt for batch in rig.store.written] == [1, 2, 3, 4]
    assert [pause for _, _, pause in rig.retries] == pytest.approx([1.0, 2.0, 4.0])
    assert rig.outcomes == [(1, DEAD_LETTERED, 4)]
    assert rig.stop_reasons == [UNAVAILABLE]


def test_a_retry_sends_the_same_records() -> None:
    """What came in the meantime waits, so that the order is kept."""
    rig = rig_asleep()
    rig.submit(2)
    rig.clock.advance(1.0)
    assert rig.held == [[1]]
    rig.worker.step()
    assert rig.outcomes == [(1, INSERTED, 2)]
    assert rig.held == [[2]]


@pytest.mark.parametrize("error", [KeyError("a bug"), BadDataError("too long")])
def test_a_record_at_fault_is_rejected_alone(error: Exception) -> None:
    """Also if nobody classified the error: a bug must not be tried for ever."""
    rig = DeliveryRig()
    rig.store.refused[2] = error
    rig.submit(1, 2, 3)
    while rig.held:
        rig.worker.step()
    assert sorted(rig.outcomes) == [(1, INSERTED, 1), (2, DEAD_LETTERED, 1), (3, INSERTED, 1)]
    assert [(one.number, one.error, one.possibly_stored) for one in rig.spooled] == [
        (2, error, False)
    ]
    assert rig.stop_reasons == []


@pytest.mark.parametrize("error", [FatalWriteError("replaced"), asyncio.CancelledError()])
def test_what_will_not_get_better_stops_the_crawl(error: BaseException) -> None:
    """No sleep; everything in flight, queued and still to come is spooled."""
    rig = rig_in_flight(error)
    rig.submit(2)
    rig.worker.step()
    rig.submit(3)
    rig.linger()
    assert rig.outcomes == [(1, DEAD_LETTERED, 1), (2, DEAD_LETTERED, 0), (3, DEAD_LETTERED, 0)]
    assert rig.reports[0].error is error
    assert rig.stop_reasons == [BROKEN]
    assert len(rig.store.written) == 1


def test_a_write_that_raises_is_like_one_that_fails() -> None:
    """A thread pool that has been stopped raises, for example."""
    rig = DeliveryRig()

    def stopped(_: Batch) -> Deferred[WriteResult]:
        raise RuntimeError("the pool is stopped")

    rig.worker.write = stopped  # type: ignore[assignment, method-assign]
    rig.submit(1)
    rig.linger()
    assert rig.outcomes == [(1, DEAD_LETTERED, 1)]


def test_a_crawl_may_go_on_after_an_outage() -> None:
    """With "dead_letter", later batches are tried once and spooled until the database is back."""
    rig = DeliveryRig(*(retriable() for _ in range(5)), on_outage="dead_letter")
    rig.submit(1)
    rig.linger()
    for seconds in (1, 2, 4, 0):
        rig.worker.step()
        rig.clock.advance(seconds)
    assert rig.outcomes == [(1, DEAD_LETTERED, 4)]
    rig.submit(2)
    rig.linger()
    rig.worker.step()
    assert rig.outcomes[1:] == [(2, DEAD_LETTERED, 1)]
    rig.submit(3)
    rig.linger()
    rig.worker.step()
    assert rig.outcomes[2:] == [(3, INSERTED, 1)]
    assert rig.stop_reasons == []


def test_a_transient_error_inside_a_split_tries_the_same_part_again() -> None:
    """It is no reason to split further, and each part has attempts of its own."""
    rig = DeliveryRig(batch_size=4)
    rig.store.refused[4] = BadDataError("too long")
    rig.submit(1, 2, 3, 4)
    rig.worker.step()
    rig.store.script.append(ContentionError("a deadlock"))
    assert rig.held == [[1, 2]]
    rig.worker.step()
    rig.clock.advance(0.02)
    assert rig.held == [[1, 2]]
    while rig.held:
        rig.worker.step()
    assert [(b.attempt, [r.snapshot_id for r in b.records]) for b in rig.store.written] == [
        (1, [1, 2, 3, 4]),
        (1, [1, 2]),
        (2, [1, 2]),
        (1, [3, 4]),
        (1, [3]),
        (1, [4]),
    ]


def test_many_records_with_the_same_fault_stop_the_crawl() -> None:
    """The table must be at fault; the rest is spooled without another attempt."""
    rig = DeliveryRig(batch_size=60)
    rig.store.refused = {number: BadDataError("column price") for number in range(60)}
    rig.submit(*range(60))
    while rig.held:
        rig.worker.step()
    assert rig.stop_reasons == [BROKEN]
    assert len(rig.spooled) == 60
    assert len(rig.store.written) < 60


def test_each_batch_has_attempts_of_its_own() -> None:
    """What went wrong before a commit is forgotten with it."""
    rig = DeliveryRig(SystemicError(), None, SystemicError(), policy=RetryPolicy(times=1))
    for number in (1, 2):
        rig.submit(number)
        rig.linger()
        rig.worker.step()
        rig.clock.advance(1.0)
        rig.worker.step()
    assert rig.outcomes == [(1, INSERTED, 2), (2, INSERTED, 2)]
    assert rig.stop_reasons == []


def test_each_part_of_a_split_batch_has_attempts_of_its_own() -> None:
    """Whether the part before it was split or rejected."""
    rig = DeliveryRig(
        *(ConflictError() for _ in range(5)), batch_size=2, policy=RetryPolicy(times=1)
    )
    rig.submit(1, 2)
    while rig.held:
        rig.worker.step()
        rig.clock.advance(1.0)
    assert [[r.snapshot_id for r in batch.records] for batch in rig.store.written] == [
        [1, 2],
        [1, 2],
        [1],
        [1],
        [2],
        [2],
    ]
    assert [(number, outcome) for number, outcome, _ in rig.outcomes] == [
        (1, DEAD_LETTERED),
        (2, INSERTED),
    ]


def test_a_fault_that_comes_again_among_good_records_does_not_stop_the_crawl() -> None:
    """The table takes the others."""
    rig = DeliveryRig(batch_size=2)
    rig.store.refused = {number: BadDataError("column price") for number in range(1, 80, 2)}
    rig.submit(*range(80))
    while rig.held:
        rig.worker.step()
    assert rig.stop_reasons == []
    assert len(rig.spooled) == 40


def test_a_refused_record_may_be_dropped() -> None:
    """With SNAPSHOT_ON_REJECT = "drop" it is reported as dropped and not spooled."""
    rig = DeliveryRig(BadDataError("too long"), on_reject="drop")
    rig.submit(1)
    rig.linger()
    rig.worker.step()
    assert rig.outcomes == [(1, Outcome.DROPPED, 1)]
    assert rig.spooled == []


def test_a_refused_record_that_may_be_stored_is_kept() -> None:
    """Nobody knows what became of its first attempt; its dead letter can be replayed to see."""
    rig = DeliveryRig(AmbiguousCommitError("no answer"), BadDataError("too long"), on_reject="drop")
    rig.submit(1)
    rig.linger()
    rig.worker.step()
    rig.clock.advance(1.0)
    rig.worker.step()
    assert rig.outcomes == [(1, DEAD_LETTERED, 2)]
    assert [(one.number, one.possibly_stored) for one in rig.spooled] == [(1, True)]


def test_a_refused_record_may_stop_the_crawl() -> None:
    """With SNAPSHOT_ON_REJECT = "stop" it is spooled, and nothing more is stored."""
    rig = DeliveryRig(BadDataError("too long"), on_reject="stop")
    rig.submit(1)
    rig.linger()
    rig.worker.step()
    assert rig.outcomes == [(1, DEAD_LETTERED, 1)]
    assert rig.stop_reasons == [REJECTED]


def test_a_lost_answer_leaves_the_record_possibly_stored() -> None:
    """The dead letter says so, when the outage outlasts the limit."""
    rig = DeliveryRig(AmbiguousCommitError("no answer"), policy=RetryPolicy(outage_timeout=1.0))
    rig.store.script.append(retriable())
    rig.submit(1)
    rig.linger()
    rig.worker.step()
    rig.clock.advance(1.0)
    rig.worker.step()
    assert [(one.number, one.possibly_stored) for one in rig.spooled] == [(1, True)]


def test_an_exception_of_the_watcher_does_not_stop_the_retry() -> None:
    """It is logged, and the attempt follows."""
    rig = ClumsyRig(retriable())
    rig.submit(1)
    rig.linger()
    rig.worker.step()
    rig.clock.advance(1.0)
    rig.worker.step()
    assert rig.outcomes == [(1, INSERTED, 2)]


def test_a_late_failure_is_not_retried() -> None:
    """A batch that was given up stays given up."""
    rig = rig_in_flight(retriable())
    rig.delivery.close(25)
    rig.clock.advance(25)
    rig.worker.step()
    rig.clock.advance(100)
    assert rig.outcomes == [(1, DEAD_LETTERED, 1)]
    assert rig.retries == []
