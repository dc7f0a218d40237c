from __future__ import annotations

import logging
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.errors import (
    AbandonedError,
    AmbiguousCommitError,
    BadDataError,
    ConflictError,
    ContentionError,
    FatalWriteError,
    OutageError,
    SystemicError,
    TooSlowError,
)
from scrapy_snapshot_pipeline.records import NOT_STORED, SnapshotRecord
from tests.unit.delivery.rig import DeliveryRig, Submission
from tests.unit.fakes import make_record

MAX_RECORDS, MAX_BYTES = 4, 20
BATCH_SIZE, BATCH_BYTES = 3, 12
CLOSE_TIMEOUT = 25.0
ERRORS = (
    OutageError,
    AmbiguousCommitError,
    ContentionError,
    ConflictError,
    TooSlowError,
    SystemicError,
    BadDataError,
    FatalWriteError,
    RuntimeError,
)


class DeliveryMachine(RuleBasedStateMachine):
    """Any interleaving of submissions, answers, time and the end, over a store with a script."""

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger("scrapy_snapshot_pipeline").setLevel(logging.CRITICAL)
        self.rig = DeliveryRig(
            max_records=MAX_RECORDS,
            max_bytes=MAX_BYTES,
            batch_size=BATCH_SIZE,
            batch_bytes=BATCH_BYTES,
        )
        self.submitted: list[SnapshotRecord] = []
        self.submissions: dict[int, Submission] = {}
        self.closed: list[Deferred[None]] = []
        self.resubmit = 0

    def teardown(self) -> None:
        """Whatever happened, a close and its timeout leave nothing unreported."""
        self.closed.append(self.rig.delivery.close(CLOSE_TIMEOUT))
        self.rig.clock.advance(CLOSE_TIMEOUT)
        assert len(self.rig.reports) == len(self.submitted)
        submissions = self.submissions.values()
        assert all(one.delivered.called and one.admitted.called for one in submissions)
        assert all(closed.called for closed in self.closed)
        assert self.rig.clock.calls == []
        logging.getLogger("scrapy_snapshot_pipeline").setLevel(logging.NOTSET)

    @rule(entity=st.integers(0, 2), size=st.integers(1, 22))
    def submit(self, entity: int, size: int) -> None:
        """Submit an observation, also after the end."""
        record = make_record(len(self.submitted) + 1, entity=entity, size=size)
        # Before the call, which may report and so submit others.
        self.submitted.append(record)
        submission = self.rig.submit_record(record)
        self.submissions[record.snapshot_id] = submission
        submission.delivered.addCallback(lambda _: self.submit_again())

    @rule()
    def resubmit_on_report(self) -> None:
        """Let a report submit another record, from inside the delivery's own turn."""
        self.resubmit += 1

    def submit_again(self) -> None:
        """Submit from inside a report, if that was asked for."""
        if self.resubmit and not self.closed:
            self.resubmit -= 1
            self.submit(0, 1)

    @precondition(lambda self: self.rig.held)
    @rule()
    def write(self) -> None:
        """Commit the batch in flight."""
        self.rig.worker.step()

    @precondition(lambda self: self.rig.held)
    @rule(error=st.sampled_from(ERRORS))
    def fail(self, error: type[Exception]) -> None:
        """Fail the batch in flight."""
        self.rig.store.script.append(error("scripted"))
        self.rig.worker.step()

    @rule(seconds=st.sampled_from([0.01, 0.02, 1.0, 5.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.rig.clock.advance(seconds)

    @rule()
    def close(self) -> None:
        """Begin the end, or ask for it once more."""
        self.closed.append(self.rig.delivery.close(CLOSE_TIMEOUT))

    @precondition(lambda self: self.closed)
    @rule()
    def time_out(self) -> None:
        """Use up the time of the close."""
        self.rig.clock.advance(CLOSE_TIMEOUT)

    @invariant()
    def one_batch_is_in_flight_and_the_bounds_are_kept(self) -> None:
        """Queue and batch, by records and by bytes, but for a single large record."""
        queue = self.rig.queue
        assert len(self.rig.held) <= 1
        assert len(queue) <= MAX_RECORDS
        assert len(queue) <= 1 or queue.size <= MAX_BYTES
        for batch in self.rig.store.written:
            assert len(batch.records) <= BATCH_SIZE
            size = sum(record.size for record in batch.records)
            assert len(batch.records) == 1 or size <= BATCH_BYTES

    @invariant()
    def each_record_is_reported_at_most_once_and_none_is_lost(self) -> None:
        """Reported and pending together are what was submitted."""
        counts = Counter(number for number, _, _ in self.rig.outcomes)
        assert not counts or max(counts.values()) == 1
        assert len(self.rig.reports) + self.rig.delivery.pending == len(self.submitted)
        for number, submission in self.submissions.items():
            assert submission.delivered.called == (number in counts)

    @invariant()
    def reports_say_what_the_store_did(self) -> None:
        """Stored means committed exactly once; spooled means never, unless an answer is missing."""
        committed = Counter(
            record.snapshot_id for batch in self.rig.store.committed for record in batch.records
        )
        assert not committed or max(committed.values()) == 1
        spooled = {one.number: one for one in self.rig.spooled}
        assert len(spooled) == len(self.rig.spooled)
        for report in self.rig.reports:
            number = report.record.snapshot_id
            assert (report.outcome in NOT_STORED) == (number in spooled)
            assert number in committed or number in spooled
            if number in committed and number in spooled:
                assert spooled[number].possibly_stored
                assert isinstance(report.error, AbandonedError)
                assert report.attempts > 0

    @invariant()
    def the_order_is_kept(self) -> None:
        """Attempts and reports follow the order of submission, for each entity."""
        written = [one for batch in self.rig.store.written for one in batch.records]
        reported = [report.record for report in self.rig.reports]
        for records in (dict.fromkeys(written), reported):
            for entity in range(3):
                name = entity.to_bytes(16, "big")
                numbers = [one.snapshot_id for one in records if one.entity_id == name]
                assert numbers == sorted(numbers)

    @invariant()
    def work_that_can_be_done_is_under_way(self) -> None:
        """Pending records have a write or a timer that will move them on: no hang."""
        if self.rig.delivery.pending:
            assert self.rig.held or self.rig.clock.calls


TestDeliveryMachine = DeliveryMachine.TestCase
TestDeliveryMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
