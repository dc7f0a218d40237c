"""What the crawl sees of a delivery: submissions, and the end in all its ways."""

from __future__ import annotations

import logging

import pytest
from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.errors import AbandonedError
from scrapy_snapshot_pipeline.records import DeliveryReport
from tests.unit.delivery.rig import (
    DEAD_LETTERED,
    INSERTED,
    SCRAPED,
    DeliveryRig,
    fired,
    retriable,
    rig_asleep,
    rig_in_flight,
)
from tests.unit.fakes import make_record

# Submit


def test_a_busy_sender_takes_all_that_is_there_when_it_comes_back() -> None:
    """It does so without another linger, up to the limit of a batch."""
    rig = rig_in_flight()
    rig.submit(2, 3, 4, 5)
    assert rig.held == [[1]]
    rig.worker.step()
    assert rig.held == [[2, 3, 4]]
    rig.worker.step()
    assert rig.held == [[5]]


def test_submissions_wait_for_room_and_are_admitted_in_order() -> None:
    """A full queue holds back whoever submits until a batch is taken."""
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
    """Each submission has a report of its own, also if the records are one object."""
    rig = DeliveryRig()
    record = make_record(1)
    first, second = rig.submit_record(record), rig.submit_record(record)
    rig.linger()
    rig.worker.step()
    assert fired(first.delivered)
    assert fired(second.delivered)
    assert len(rig.reports) == 2


def test_repr_and_pending_show_the_state() -> None:
    """The state can be read in a debugger."""
    rig = rig_in_flight()
    rig.submit(2)
    assert rig.delivery.pending == 2
    assert repr(rig.delivery) == (
        "<Delivery open, 1 in flight, <Accumulator gathering, "
        "<SnapshotQueue 1/100 records, 1/1000 bytes, 0 waiting>>>"
    )


# Close


def test_hastening_leaves_the_sleep_of_a_retry_alone() -> None:
    """The database is not asked earlier because a crawl waits."""
    rig = rig_asleep()
    rig.delivery.hasten()
    assert rig.held == []


def test_what_is_left_when_the_time_is_up_is_spooled() -> None:
    """A closing crawl gives the database only this long; what comes later is spooled too."""
    rig = rig_asleep(*(retriable() for _ in range(9)))
    rig.delivery.stop_within(5)
    rig.worker.step()
    rig.clock.advance(2)
    rig.clock.advance(3)
    assert rig.outcomes == [(1, DEAD_LETTERED, 3)]
    assert rig.worker.cuts == 1
    rig.submit(2)
    assert rig.outcomes[1:] == [(2, DEAD_LETTERED, 0)]
    assert rig.delivery.close(25).called


def test_close_of_an_idle_delivery_fires_at_once() -> None:
    """And leaves no timer behind."""
    rig = DeliveryRig()
    assert rig.delivery.close(25).called
    assert rig.clock.calls == []


def test_close_ends_the_linger_and_flushes_everything() -> None:
    """The batch in flight, what is queued, and what waits for admission."""
    rig = DeliveryRig(max_records=2, batch_size=2)
    rig.submit(1, 2, 3, 4, 5)
    closed = rig.delivery.close(25)
    for _ in range(3):
        assert not fired(closed)
        rig.worker.step()
    assert fired(closed)
    assert [number for number, _, _ in rig.outcomes] == [1, 2, 3, 4, 5]
    assert rig.clock.calls == []


def test_close_does_not_wait_for_the_linger() -> None:
    """A record that lingers is written at once."""
    rig = DeliveryRig()
    rig.submit(1)
    rig.delivery.close(25)
    assert rig.held == [[1]]


def test_close_ends_the_sleep_before_a_retry() -> None:
    """The attempt is made at once, and its answer counts."""
    rig = rig_asleep()
    closed = rig.delivery.close(25)
    assert rig.held == [[1]]
    rig.worker.step()
    assert fired(closed)
    assert rig.outcomes == [(1, INSERTED, 2)]


def test_a_retry_during_the_close_sleeps_in_full() -> None:
    """A server that restarts gets its chance, within the timeout."""
    rig = rig_asleep(retriable())
    closed = rig.delivery.close(25)
    rig.worker.step()
    assert rig.held == []
    rig.clock.advance(2.0)
    rig.worker.step()
    assert fired(closed)
    assert rig.outcomes == [(1, INSERTED, 3)]


def test_close_is_idempotent() -> None:
    """Each caller gets a Deferred of its own; all fire at the same end."""
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
    assert [number for number, _, _ in rig.outcomes] == [1, 2]


def test_a_record_after_the_close_is_spooled() -> None:
    """Before Scrapy 2.18 an item from `start()` may come this late."""
    rig = DeliveryRig()
    rig.delivery.close(25)
    (submission,) = rig.submit(1)
    assert fired(submission.admitted)
    assert rig.outcomes == [(1, DEAD_LETTERED, 0)]


def test_timeout_reports_everything_left_once(caplog: pytest.LogCaptureFixture) -> None:
    """In flight, queued and waiting; a late answer is logged and changes nothing."""
    rig = DeliveryRig(max_records=1, batch_size=1)
    submissions = rig.submit(1, 2, 3)
    closed = rig.delivery.close(25)
    rig.clock.advance(24.9)
    assert rig.reports == []
    rig.clock.advance(0.1)
    assert fired(closed)
    assert rig.outcomes == [(1, DEAD_LETTERED, 1), (2, DEAD_LETTERED, 0), (3, DEAD_LETTERED, 0)]
    assert all(isinstance(report.error, AbandonedError) for report in rig.reports)
    assert "possibly stored" in str(rig.reports[0].error)
    assert "not stored" in str(rig.reports[1].error)
    assert all(one.delivered.called for one in submissions)
    assert submissions[2].admitted.called
    with caplog.at_level(logging.WARNING):
        rig.worker.step()
    assert "1 records that had been given up were stored after all" in caplog.text
    assert (len(rig.reports), rig.batches) == (3, [])


def test_a_database_that_stores_nothing_leaves_the_dead_letters_their_time() -> None:
    """A frozen one too, of which nobody knows yet that it is away."""
    rig = DeliveryRig(max_records=5_000, batch_size=1)
    rig.submit(*range(5_000))
    rig.delivery.stop_within(25)
    rig.clock.advance(24.4)
    assert rig.reports == []
    rig.clock.advance(0.1)
    assert len(rig.reports) == 5_000


def test_a_database_that_stores_has_the_whole_time() -> None:
    """Each batch that it takes is one less for the dead letters."""
    rig = DeliveryRig(max_records=5_000, batch_size=1)
    rig.submit(*range(5_000))
    rig.delivery.stop_within(25)
    rig.worker.step()
    rig.clock.advance(24.5)
    assert [outcome for _, outcome, _ in rig.outcomes] == [INSERTED]
    rig.clock.advance(0.5)
    assert len(rig.reports) == 5_000


def test_abandon_reports_before_it_returns() -> None:
    """A second Ctrl-C leaves no further turn of the loop; a linger is over too."""
    rig = DeliveryRig()
    rig.submit(1)
    rig.delivery.abandon()
    rig.delivery.abandon()
    assert rig.outcomes == [(1, DEAD_LETTERED, 0)]
    assert rig.clock.calls == []
    assert rig.delivery.close(25).called


def test_abandon_ends_the_sleep_of_a_retry() -> None:
    """Nothing is written afterwards, and a close that waited fires."""
    rig = rig_asleep(retriable())
    closed = rig.delivery.close(25)
    rig.worker.step()
    rig.delivery.abandon()
    assert rig.outcomes == [(1, DEAD_LETTERED, 2)]
    assert fired(closed)
    assert (rig.held, rig.clock.calls) == ([], [])


def test_a_bug_in_the_loop_leaves_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in the loop ends the delivery, with a report for each record."""
    rig = rig_asleep()

    def broken(seconds: float) -> Deferred[None]:
        raise RuntimeError(f"{SCRAPED}, {seconds} s")

    rig.delivery._sender._sleep.sleep = broken  # type: ignore[method-assign]
    rig.store.script.append(retriable())
    rig.clock.advance(1.0)
    rig.submit(2)
    rig.worker.step()
    assert rig.outcomes == [(1, DEAD_LETTERED, 2), (2, DEAD_LETTERED, 0)]
    assert "The delivery loop died of RuntimeError at " in caplog.text
    assert SCRAPED not in caplog.text
