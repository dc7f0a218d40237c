"""The last words, some in every turn of the loop."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scrapy_snapshot_pipeline.delivery.in_flight import Pending
from scrapy_snapshot_pipeline.delivery.notifier import PER_TURN, Notifier
from scrapy_snapshot_pipeline.records import DeliveryReport, Outcome
from tests.unit.fakes import DeliveryRig, ManualClock, make_record

Reports = list[tuple[Pending, DeliveryReport]]
MANY = 2 * PER_TURN + 1


def words(heard: list[int], count: int, first: int = 0) -> Reports:
    """Reports on records by number, which go into `heard` when they are told."""
    made: Reports = []
    for number in range(first, first + count):
        record = make_record(number)
        pending = Pending(record, 1, lambda report: heard.append(report.record.snapshot_id))
        made.append((pending, DeliveryReport(record, Outcome.INSERTED, 1)))
    return made


def in_between(given: Reports, position: int, call: Callable[[], object]) -> None:
    """Have `call` made when the word at `position` is heard."""
    pending = given[position][0]
    hear = pending.notify

    def notify(report: DeliveryReport) -> None:
        hear(report)
        call()

    pending.notify = notify


def test_a_turn_tells_a_few() -> None:
    """The first of them at once, and as many in each turn after it."""
    clock, heard = ManualClock(), list[int]()
    notifier = Notifier(clock.call_later)
    notifier.notify(words(heard, MANY))
    told = [len(heard)]
    while len(notifier):
        clock.calls.pop().func()
        told.append(len(heard))
    assert told == [PER_TURN, 2 * PER_TURN, MANY]
    assert heard == list(range(MANY))


def test_words_that_come_while_others_wait_are_told_after_them() -> None:
    """Nobody overtakes, whoever comes between two turns or in the middle of one."""
    clock, heard = ManualClock(), list[int]()
    notifier = Notifier(clock.call_later)
    first = words(heard, MANY)
    in_between(first, PER_TURN, lambda: notifier.notify(words(heard, 1, first=MANY + 1)))
    notifier.notify(first)
    notifier.notify(words(heard, 1, first=MANY))
    clock.advance(0)
    assert heard == list(range(MANY + 2))


def test_no_more_than_a_batch_waits() -> None:
    """What is left of one batch is told when the next comes."""
    clock, heard = ManualClock(), list[int]()
    notifier = Notifier(clock.call_later)
    notifier.notify(words(heard, MANY))
    notifier.notify(words(heard, MANY, first=MANY))
    assert len(heard) == MANY + PER_TURN
    assert len(clock.calls) == 1


def test_listener_that_fails_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """Each word is told, and the failure is logged without its text."""
    clock, heard = ManualClock(), list[int]()
    notifier = Notifier(clock.call_later)
    first = words(heard, 3)
    in_between(first, 1, lambda: dict[str, int]()["a scraped value"])
    notifier.notify(first)
    assert heard == [0, 1, 2]
    assert "'notify' callback failed with KeyError" in caplog.text
    assert "a scraped value" not in caplog.text


def test_without_a_loop_everything_is_spooled_and_told() -> None:
    """A forced stop at the exit of the process, where no call can be put off any more."""
    rig = DeliveryRig(max_records=4 * MANY, batch_size=MANY, batch_bytes=10**6)
    submissions = rig.submit(*range(3 * MANY))
    rig.clock.call_later = None  # type: ignore[assignment, method-assign]
    rig.delivery._settlement._notifier._call_later = None  # type: ignore[assignment]
    rig.delivery.abandon()
    assert sorted(one.number for one in rig.kept) == list(range(3 * MANY))
    assert all(each.delivered.called for each in submissions)


@pytest.mark.parametrize("waiting", [1, MANY])
def test_all_is_told_at_once_when_asked(waiting: int) -> None:
    """Nothing is left, and no turn to come."""
    clock, heard = ManualClock(), list[int]()
    notifier = Notifier(clock.call_later)
    notifier.notify(words(heard, waiting))
    notifier.finish()
    assert heard == list(range(waiting))
    assert clock.calls == []


def test_an_end_leaves_no_word_untold() -> None:
    """A delivery that is abandoned in the middle of telling has told all before it returns."""
    rig = DeliveryRig(max_records=MANY, batch_size=MANY)
    submissions = rig.submit(*range(MANY))
    rig.worker.step()
    assert rig.delivery.pending == MANY - PER_TURN
    rig.delivery.abandon()
    assert rig.delivery.pending == 0
    assert all(each.delivered.called for each in submissions)
