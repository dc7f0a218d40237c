from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest
from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.delivery.ports import BROKEN, NO_DEAD_LETTERS, REJECTED, UNAVAILABLE
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.errors import (
    AbandonedError,
    AmbiguousCommitError,
    BadDataError,
    ContentionError,
    FatalWriteError,
    OutageError,
    WriteError,
)
from scrapy_snapshot_pipeline.records import Batch, DeliveryReport, Outcome, WriteResult
from tests.unit.fakes import LINGER, DeliveryRig, make_record

INSERTED, KEPT, FAILED = Outcome.INSERTED, Outcome.DEAD_LETTERED, Outcome.FAILED
SCRAPED = "an odd of 1.85"


class ClumsyRig(DeliveryRig):
    """Whoever is told of the delivery raises, with a scraped value in the text."""

    def reported(self, reports: Sequence[DeliveryReport]) -> None:
        """Raise after keeping the reports."""
        super().reported(reports)
        raise KeyError(SCRAPED)

    def committed(self, batch: Batch, result: WriteResult) -> None:
        """Raise after keeping the batch."""
        super().committed(batch, result)
        raise ValueError(SCRAPED)

    def retrying(self, attempt: int, error: BaseException, delay: float) -> None:
        """Raise after keeping the retry."""
        super().retrying(attempt, error, delay)
        raise ValueError(SCRAPED)


class ShortStore(DeliveryRig):
    """A store that commits, but gives too few outcomes."""

    def __init__(self) -> None:
        super().__init__()
        self.worker._work = lambda _: WriteResult(())


def retriable() -> OutageError:
    """Make an error that is worth another try."""
    return OutageError("the server went away")


def rig_in_flight(*script: BaseException | None) -> DeliveryRig:
    """Make a rig whose worker holds a batch of record 1."""
    rig = DeliveryRig(*script)
    rig.submit(1)
    rig.linger()
    return rig


def rig_asleep(*script: BaseException | None) -> DeliveryRig:
    """Make a rig whose batch of record 1 sleeps before its first retry."""
    rig = rig_in_flight(retriable(), *script)
    rig.worker.step()
    return rig


def fired(deferred: Deferred[None] | Deferred[DeliveryReport]) -> bool:
    """Say whether it fired."""
    return bool(deferred.called)


# Batches


def test_an_idle_writer_starts_a_linger_after_the_first_record() -> None:
    """Records that come close together share a transaction."""
    rig = DeliveryRig()
    rig.submit(1)
    rig.clock.advance(LINGER / 2)
    rig.submit(2)
    assert rig.held == []
    rig.clock.advance(LINGER / 2)
    assert rig.held == [[1, 2]]


def test_a_batch_never_waits_to_be_full() -> None:
    """One record alone is written: Scrapy holds the crawl until it is acknowledged."""
    rig = rig_in_flight()
    rig.worker.step()
    assert rig.words == [(1, INSERTED, 1)]


def test_a_full_batch_does_not_linger() -> None:
    """By records, a writer starts in the moment the batch is full."""
    rig = DeliveryRig(batch_size=3)
    rig.submit(1, 2, 3, 4)
    assert rig.held == [[1, 2, 3]]


def test_a_batch_full_by_bytes_does_not_linger() -> None:
    """By bytes as well, and the rest waits for the next batch."""
    rig = DeliveryRig(batch_size=50, batch_bytes=10)
    rig.submit(1, 2, 3, size=4)
    assert rig.held == [[1, 2]]


def test_a_full_queue_does_not_linger() -> None:
    """A batch larger than the queue starts with what the queue holds."""
    rig = DeliveryRig(max_records=2, batch_size=50)
    rig.submit(1, 2, 3)
    assert rig.held == [[1, 2]]


def test_writes_count_as_slow_until_one_was_quick() -> None:
    """By the last one."""
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


def test_hastening_ends_a_linger() -> None:
    """As when the crawl is paused, and no company can come."""
    rig = DeliveryRig()
    rig.submit(1)
    rig.delivery.hasten()
    assert rig.held == [[1]]


def test_hastening_leaves_the_sleep_of_a_retry_alone() -> None:
    """The database is not asked before its time, whoever waits."""
    rig = rig_asleep()
    rig.delivery.hasten()
    assert rig.held == []


def test_a_busy_writer_takes_all_that_is_there_when_it_returns() -> None:
    """Without another linger, up to the batch limit."""
    rig = rig_in_flight()
    rig.submit(2, 3, 4, 5)
    assert rig.held == [[1]]
    rig.worker.step()
    assert rig.held == [[2, 3, 4]]
    rig.worker.step()
    assert rig.held == [[5]]


def test_it_lingers_again_after_it_was_idle() -> None:
    """The writer that has caught up is an idle one."""
    rig = rig_in_flight()
    rig.worker.step()
    rig.submit(2)
    assert rig.held == []
    rig.linger()
    assert rig.held == [[2]]


def test_submissions_wait_for_room_and_are_admitted_in_order() -> None:
    """A full queue holds back whoever submits, until a batch was taken."""
    rig = DeliveryRig(max_records=1, batch_size=1)
    submissions = rig.submit(1, 2, 3)
    assert [one.admitted.called for one in submissions] == [True, True, False]
    rig.worker.step()
    assert [one.admitted.called for one in submissions] == [True, True, True]


def test_delivered_fires_with_the_report() -> None:
    """Whoever submitted learns the outcome, the same that was reported."""
    rig = DeliveryRig()
    (submission,) = rig.submit(1)
    seen: list[DeliveryReport] = []
    submission.delivered.addCallback(seen.append)
    rig.linger()
    assert seen == []
    rig.worker.step()
    assert seen == rig.reports
    assert seen[0].outcome is INSERTED


def test_the_same_record_may_be_submitted_twice() -> None:
    """Each submission has a report of its own, also when the records are one object."""
    rig = DeliveryRig()
    record = make_record(1)
    first, second = rig.submit_record(record), rig.submit_record(record)
    rig.linger()
    rig.worker.step()
    assert fired(first.delivered)
    assert fired(second.delivered)
    assert len(rig.reports) == 2


# Retries


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
    assert rig.words == [(1, KEPT, 4)]
    assert rig.stop_reasons == [UNAVAILABLE]


def test_a_retry_sends_the_same_records() -> None:
    """What came in the meantime waits: the order is kept, and ids stay with their attempt."""
    rig = rig_asleep()
    rig.submit(2)
    rig.clock.advance(1.0)
    assert rig.held == [[1]]
    rig.worker.step()
    assert rig.words == [(1, INSERTED, 2)]
    assert rig.held == [[2]]


@pytest.mark.parametrize("error", [KeyError("a bug"), BadDataError("too long")])
def test_a_record_at_fault_is_rejected_alone(error: Exception) -> None:
    """Also when nobody classified the error: a bug must not be tried for ever."""
    rig = DeliveryRig()
    rig.store.refused[2] = error
    rig.submit(1, 2, 3)
    while rig.held:
        rig.worker.step()
    assert sorted(rig.words) == [(1, INSERTED, 1), (2, KEPT, 1), (3, INSERTED, 1)]
    assert [(one.number, one.error, one.possibly_stored) for one in rig.kept] == [(2, error, False)]
    assert rig.stop_reasons == []


@pytest.mark.parametrize("error", [FatalWriteError("replaced"), asyncio.CancelledError()])
def test_what_will_not_get_better_stops_the_crawl(error: BaseException) -> None:
    """No sleep; everything in flight, queued and still to come is spooled."""
    rig = rig_in_flight(error)
    rig.submit(2)
    rig.worker.step()
    rig.submit(3)
    rig.linger()
    assert rig.words == [(1, KEPT, 1), (2, KEPT, 0), (3, KEPT, 0)]
    assert rig.reports[0].error is error
    assert rig.stop_reasons == [BROKEN]
    assert len(rig.store.written) == 1


def test_a_write_that_raises_at_once_is_an_error_like_others() -> None:
    """As from a thread pool that has been stopped."""
    rig = DeliveryRig()

    def stopped(_: Batch) -> Deferred[WriteResult]:
        raise RuntimeError("the pool is stopped")

    rig.worker.write = stopped  # type: ignore[assignment, method-assign]
    rig.submit(1)
    rig.linger()
    assert rig.words == [(1, KEPT, 1)]


def test_an_outage_may_be_outlived() -> None:
    """With "dead_letter" each batch is tried once more, and spooled, until the database is back."""
    rig = DeliveryRig(*(retriable() for _ in range(5)), on_outage="dead_letter")
    rig.submit(1)
    rig.linger()
    for seconds in (1, 2, 4, 0):
        rig.worker.step()
        rig.clock.advance(seconds)
    assert rig.words == [(1, KEPT, 4)]
    rig.submit(2)
    rig.linger()
    rig.worker.step()
    assert rig.words[1:] == [(2, KEPT, 1)]
    rig.submit(3)
    rig.linger()
    rig.worker.step()
    assert rig.words[2:] == [(3, INSERTED, 1)]
    assert rig.stop_reasons == []


def test_a_transient_error_inside_a_split_tries_the_same_part_again() -> None:
    """It is no reason to split further, and the parts keep the number of their attempt."""
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


def test_many_records_with_one_fault_are_the_fault_of_the_table() -> None:
    """Twenty in a row stop the crawl; the rest is spooled without another try."""
    rig = DeliveryRig(batch_size=60)
    rig.store.refused = {number: BadDataError("column price") for number in range(60)}
    rig.submit(*range(60))
    while rig.held:
        rig.worker.step()
    assert rig.stop_reasons == [BROKEN]
    assert len(rig.kept) == 60
    assert len(rig.store.written) < 60


def test_a_refused_record_may_be_dropped() -> None:
    """With SNAPSHOT_ON_REJECT = "drop" it is counted as dropped and not kept."""
    rig = DeliveryRig(BadDataError("too long"), on_reject="drop")
    rig.submit(1)
    rig.linger()
    rig.worker.step()
    assert rig.words == [(1, Outcome.DROPPED, 1)]
    assert rig.kept == []


def test_a_refused_record_may_stop_the_crawl() -> None:
    """With SNAPSHOT_ON_REJECT = "stop" it is kept, and nothing more is stored."""
    rig = DeliveryRig(BadDataError("too long"), on_reject="stop")
    rig.submit(1)
    rig.linger()
    rig.worker.step()
    assert rig.words == [(1, KEPT, 1)]
    assert rig.stop_reasons == [REJECTED]


def test_what_not_even_the_dead_letters_can_keep_is_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its ids are logged, and the crawl stops."""
    rig = rig_in_flight(BadDataError("too long"))
    rig.spool_is_full = True
    rig.worker.step()
    assert rig.words == [(1, FAILED, 1)]
    assert rig.stop_reasons == [NO_DEAD_LETTERS]
    assert "Lost: table odds, entity 00000000000000000000000000000001, snapshot 1" in caplog.text


def test_a_lost_answer_leaves_the_record_possibly_stored() -> None:
    """The dead letter says so, when the outage outlasts the limit."""
    rig = DeliveryRig(AmbiguousCommitError("no answer"), policy=RetryPolicy(outage_timeout=1.0))
    rig.store.script.append(retriable())
    rig.submit(1)
    rig.linger()
    rig.worker.step()
    rig.clock.advance(1.0)
    rig.worker.step()
    assert [(one.number, one.possibly_stored) for one in rig.kept] == [(1, True)]


def test_hurrying_spools_what_is_left_and_goes_on_until_the_close() -> None:
    """A crawl that is closing gives the database this long; what comes later is still kept."""
    rig = rig_asleep(*(retriable() for _ in range(9)))
    rig.delivery.stop_within(5)
    rig.worker.step()
    rig.clock.advance(2)
    rig.clock.advance(3)
    assert rig.words == [(1, KEPT, 3)]
    assert rig.worker.cuts == 1
    rig.submit(2)
    assert rig.words[1:] == [(2, KEPT, 0)]
    assert rig.delivery.close(25).called


# After the commit


def test_exceptions_after_the_commit_do_not_write_again(caplog: pytest.LogCaptureFixture) -> None:
    """Reporting is outside the retry: one commit, all reports, the loop goes on."""
    rig = ClumsyRig(batch_size=2)
    submissions = rig.submit(1, 2, 3)
    rig.worker.step()
    rig.worker.step()
    assert len(rig.store.written) == 2
    assert rig.words == [(1, INSERTED, 1), (2, INSERTED, 1), (3, INSERTED, 1)]
    assert all(one.delivered.called for one in submissions)
    assert "'reported' callback failed with KeyError at " in caplog.text
    assert "'committed' callback failed with ValueError at " in caplog.text
    assert SCRAPED not in caplog.text


def test_an_exception_of_the_retry_observer_does_not_stop_the_retry() -> None:
    """It is told, and may fail by itself."""
    rig = ClumsyRig(retriable())
    rig.submit(1)
    rig.linger()
    rig.worker.step()
    rig.clock.advance(1.0)
    rig.worker.step()
    assert rig.words == [(1, INSERTED, 2)]


def test_committed_is_told_once_a_batch() -> None:
    """With the attempt that committed, before the reports."""
    rig = rig_asleep()
    rig.clock.advance(1.0)
    rig.worker.step()
    assert [batch.attempt for batch in rig.batches] == [2]


def test_too_few_outcomes_are_no_reason_to_write_again() -> None:
    """The store has committed; sending again would not tell which record is which."""
    rig = ShortStore()
    rig.submit(1)
    rig.linger()
    rig.worker.step()
    assert rig.words == [(1, KEPT, 1)]
    assert isinstance(rig.reports[0].error, WriteError)
    assert rig.held == []


def test_logs_name_the_type_of_a_foreign_error_only(caplog: pytest.LogCaptureFixture) -> None:
    """Its text may quote a scraped value; the text of our own may be read."""
    rig = rig_in_flight(RuntimeError(SCRAPED))
    rig.worker.step()
    rig = rig_in_flight(FatalWriteError("no table odds"))
    rig.worker.step()
    assert SCRAPED not in caplog.text
    assert "RuntimeError at " in caplog.text
    assert "FatalWriteError: no table odds" in caplog.text


# Close


def test_close_of_an_idle_delivery_fires_at_once() -> None:
    """And leaves no timer behind."""
    rig = DeliveryRig()
    assert rig.delivery.close(25).called
    assert rig.clock.calls == []


def test_close_cuts_the_linger_and_flushes_everything() -> None:
    """The batch in flight, what is queued and what waits for admission."""
    rig = DeliveryRig(max_records=2, batch_size=2)
    rig.submit(1, 2, 3, 4, 5)
    closed = rig.delivery.close(25)
    for _ in range(3):
        assert not fired(closed)
        rig.worker.step()
    assert fired(closed)
    assert [number for number, _, _ in rig.words] == [1, 2, 3, 4, 5]
    assert rig.clock.calls == []


def test_close_does_not_wait_for_the_linger() -> None:
    """A record that lingers is written in the moment of the close."""
    rig = DeliveryRig()
    rig.submit(1)
    rig.delivery.close(25)
    assert rig.held == [[1]]


def test_close_cuts_the_sleep_of_a_retry() -> None:
    """The retry is taken at once, and its answer counts."""
    rig = rig_asleep()
    closed = rig.delivery.close(25)
    assert rig.held == [[1]]
    rig.worker.step()
    assert fired(closed)
    assert rig.words == [(1, INSERTED, 2)]


def test_a_retry_during_the_close_sleeps_in_full() -> None:
    """A server that restarts gets its chance, within the timeout."""
    rig = rig_asleep(retriable())
    closed = rig.delivery.close(25)
    rig.worker.step()
    assert rig.held == []
    rig.clock.advance(2.0)
    rig.worker.step()
    assert fired(closed)
    assert rig.words == [(1, INSERTED, 3)]


def test_close_is_idempotent() -> None:
    """Each caller gets a Deferred of its own; all fire with the same end."""
    rig = rig_in_flight()
    first, second = rig.delivery.close(25), rig.delivery.close(1)
    first.cancel()
    first.addErrback(lambda _: None)
    rig.clock.advance(2)
    assert not fired(second)
    rig.worker.step()
    assert fired(second)
    assert rig.delivery.close(25).called


def test_records_are_accepted_until_the_drain_has_ended() -> None:
    """Items from `start()` still arrive during the close, and do not linger."""
    rig = rig_in_flight()
    closed = rig.delivery.close(25)
    rig.submit(2)
    rig.worker.step()
    assert not fired(closed)
    rig.worker.step()
    assert fired(closed)
    assert [number for number, _, _ in rig.words] == [1, 2]


def test_a_record_after_the_close_is_spooled() -> None:
    """Before Scrapy 2.18 an item from `start()` may come so late."""
    rig = DeliveryRig()
    rig.delivery.close(25)
    (submission,) = rig.submit(1)
    assert fired(submission.admitted)
    assert rig.words == [(1, KEPT, 0)]


def test_timeout_reports_everything_left_once(caplog: pytest.LogCaptureFixture) -> None:
    """In flight, queued and waiting; a late answer is logged and changes nothing."""
    rig = DeliveryRig(max_records=1, batch_size=1)
    submissions = rig.submit(1, 2, 3)
    closed = rig.delivery.close(25)
    rig.clock.advance(24.9)
    assert rig.reports == []
    rig.clock.advance(0.1)
    assert fired(closed)
    assert rig.words == [(1, KEPT, 1), (2, KEPT, 0), (3, KEPT, 0)]
    assert all(isinstance(report.error, AbandonedError) for report in rig.reports)
    assert "possibly stored" in str(rig.reports[0].error)
    assert "not stored" in str(rig.reports[1].error)
    assert all(one.delivered.called for one in submissions)
    assert submissions[2].admitted.called
    with caplog.at_level(logging.WARNING):
        rig.worker.step()
    assert "1 records that had been given up were stored after all" in caplog.text
    assert (len(rig.reports), rig.batches) == (3, [])


def test_a_late_failure_is_not_retried() -> None:
    """A batch that was given up stays given up."""
    rig = rig_in_flight(retriable())
    rig.delivery.close(25)
    rig.clock.advance(25)
    rig.worker.step()
    rig.clock.advance(100)
    assert rig.words == [(1, KEPT, 1)]
    assert rig.retries == []


def test_abandon_reports_before_it_returns() -> None:
    """A second Ctrl-C leaves no turn of the loop; a linger is over too."""
    rig = DeliveryRig()
    rig.submit(1)
    rig.delivery.abandon()
    rig.delivery.abandon()
    assert rig.words == [(1, KEPT, 0)]
    assert rig.clock.calls == []
    assert rig.delivery.close(25).called


def test_abandon_ends_the_sleep_of_a_retry() -> None:
    """Nothing is written afterwards, and a close that waited is told."""
    rig = rig_asleep(retriable())
    closed = rig.delivery.close(25)
    rig.worker.step()
    rig.delivery.abandon()
    assert rig.words == [(1, KEPT, 2)]
    assert fired(closed)
    assert (rig.held, rig.clock.calls) == ([], [])


def test_a_bug_in_the_loop_leaves_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    """What the loop cannot handle ends the delivery with a report for each record."""
    rig = rig_asleep()

    def broken(seconds: float) -> Deferred[None]:
        raise RuntimeError(f"{SCRAPED}, {seconds} s")

    rig.delivery._sender._sleep.sleep = broken  # type: ignore[method-assign]
    rig.store.script.append(retriable())
    rig.clock.advance(1.0)
    rig.submit(2)
    rig.worker.step()
    assert rig.words == [(1, KEPT, 2), (2, KEPT, 0)]
    assert "The delivery loop died of RuntimeError at " in caplog.text
    assert SCRAPED not in caplog.text


def test_repr_and_pending_show_the_state() -> None:
    """The state can be read in a debugger."""
    rig = rig_in_flight()
    rig.submit(2)
    assert rig.delivery.pending == 2
    assert repr(rig.delivery) == (
        "<Delivery open, 1 in flight, <Accumulator gathering, "
        "<SnapshotQueue 1/100 records, 1/1000 bytes, 0 waiting>>>"
    )
