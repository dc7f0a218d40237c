from __future__ import annotations

from collections.abc import Callable

import pytest

from scrapy_snapshot_pipeline.delivery.in_flight import Pending
from scrapy_snapshot_pipeline.delivery.notifier import PER_TURN, Notifier
from scrapy_snapshot_pipeline.records import DeliveryReport, Outcome
from tests.unit.delivery.rig import DeliveryRig
from tests.unit.fakes import ManualClock, make_record

Reports = list[tuple[Pending, DeliveryReport]]
MANY = 2 * PER_TURN + 1


def reports(heard: list[int], count: int, first: int = 0) -> Reports:
    """Reports on records by number; the number goes into `heard` at the notification."""
    made: Reports = []
    for number in range(first, first + count):
        record = make_record(number)
        pending = Pending(record, 1, lambda report: heard.append(report.record.snapshot_id))
        made.append((pending, DeliveryReport(record, Outcome.INSERTED, 1)))
    return made


def in_between(given: Reports, position: int, call: Callable[[], object]) -> None:
    """Have `call` made at the notification of the report at `position`."""
    pending = given[position][0]
    hear = pending.notify

    def notify(report: DeliveryReport) -> None:
        hear(report)
        call()

    pending.notify = notify


def test_each_turn_has_a_few_notifications() -> None:
    """The first ones are made at once, and as many in each further turn."""
    clock, heard = ManualClock(), list[int]()
    notifier = Notifier(clock.call_later)
    notifier.notify(reports(heard, MANY))
    counts = [len(heard)]
    while len(notifier):
        clock.calls.pop().func()
        counts.append(len(heard))
    assert counts == [PER_TURN, 2 * PER_TURN, MANY]
    assert heard == list(range(MANY))


def test_reports_that_come_while_others_wait_come_after_them() -> None:
    """They do not overtake, whether they come between two turns or in the middle of one."""
    clock, heard = ManualClock(), list[int]()
    notifier = Notifier(clock.call_later)
    first = reports(heard, MANY)
    in_between(first, PER_TURN, lambda: notifier.notify(reports(heard, 1, first=MANY + 1)))
    notifier.notify(first)
    notifier.notify(reports(heard, 1, first=MANY))
    clock.advance(0)
    assert heard == list(range(MANY + 2))


def test_no_more_than_a_batch_waits() -> None:
    """The next batch first notifies of what is left of the one before."""
    clock, heard = ManualClock(), list[int]()
    notifier = Notifier(clock.call_later)
    notifier.notify(reports(heard, MANY))
    notifier.notify(reports(heard, MANY, first=MANY))
    assert len(heard) == MANY + PER_TURN
    assert len(clock.calls) == 1


def test_listener_that_fails_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """All others are called, and the failure is logged without its text."""
    clock, heard = ManualClock(), list[int]()
    notifier = Notifier(clock.call_later)
    first = reports(heard, 3)
    in_between(first, 1, lambda: dict[str, int]()["a scraped value"])
    notifier.notify(first)
    assert heard == [0, 1, 2]
    assert "'notify' callback failed with KeyError" in caplog.text
    assert "a scraped value" not in caplog.text


def test_without_a_loop_everything_is_spooled_and_notified() -> None:
    """At a forced stop when the process exits, no call can be put off any more."""
    rig = DeliveryRig(max_records=4 * MANY, batch_size=MANY, batch_bytes=10**6)
    submissions = rig.submit(*range(3 * MANY))
    rig.clock.call_later = None  # type: ignore[assignment, method-assign]
    rig.delivery._settlement._notifier._call_later = None  # type: ignore[assignment]
    rig.delivery.abandon()
    assert sorted(one.number for one in rig.spooled) == list(range(3 * MANY))
    assert all(each.delivered.called for each in submissions)


@pytest.mark.parametrize("waiting", [1, MANY])
def test_finish_notifies_of_everything_at_once(waiting: int) -> None:
    """Nothing is left for another turn."""
    clock, heard = ManualClock(), list[int]()
    notifier = Notifier(clock.call_later)
    notifier.notify(reports(heard, waiting))
    notifier.finish()
    assert heard == list(range(waiting))
    assert clock.calls == []


def test_abandoning_leaves_no_notification_for_later() -> None:
    """All are made before it returns, also those that waited for later turns."""
    rig = DeliveryRig(max_records=MANY, batch_size=MANY)
    submissions = rig.submit(*range(MANY))
    rig.worker.step()
    assert rig.delivery.pending == MANY - PER_TURN
    rig.delivery.abandon()
    assert rig.delivery.pending == 0
    assert all(each.delivered.called for each in submissions)
