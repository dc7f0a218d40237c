"""Stepping fakes: a clock that the test turns, a worker that holds work, a store with a script."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from scrapy_snapshot_pipeline.delivery.delivery import Delivery
from scrapy_snapshot_pipeline.delivery.ports import DeliveryOptions, Environment
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.errors import DeadLetterError
from scrapy_snapshot_pipeline.reactor.timers import CallLater
from scrapy_snapshot_pipeline.records import (
    Batch,
    DeliveryReport,
    Outcome,
    SnapshotRecord,
    WriteResult,
)

RUN_ID = uuid.UUID(int=1)
LINGER = 0.02
START = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)


def make_record(number: int = 0, *, entity: int = 0, size: int = 1) -> SnapshotRecord:
    """Make a record whose `snapshot_id` is `number`, observed so many seconds after START."""
    return SnapshotRecord(
        table="odds",
        entity_id=entity.to_bytes(16, "big"),
        snapshot_id=number,
        content_hash=number.to_bytes(16, "big"),
        observed_at=START + dt.timedelta(seconds=number),
        run_id=RUN_ID,
        values=(f"match {entity}",),
        children=(),
        size=size,
    )


@dataclass(eq=False)
class ManualCall:
    """A call that waits for the clock to be turned."""

    due: float
    func: Callable[[], object]
    clock: ManualClock

    def cancel(self) -> None:
        """Forget the call; an error when it was made or cancelled before, as in Twisted."""
        self.clock.calls.remove(self)


class ManualClock:
    """Time that passes only in `advance`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[ManualCall] = []

    def call_later(self, delay: float, func: Callable[[], object]) -> ManualCall:
        """Put `func` off; the same shape as Scrapy's `call_later`."""
        call = ManualCall(self.now + delay, func, self)
        self.calls.append(call)
        return call

    def advance(self, seconds: float) -> None:
        """Let time pass and make, in order, every call that is due by then."""
        end = self.now + seconds
        while due := [call for call in self.calls if call.due <= end]:
            first = min(due, key=lambda call: call.due)
            self.calls.remove(first)
            self.now = first.due
            first.func()
        self.now = end

    def turn(self) -> None:
        """Make the calls that are due now, but not those that they put off in turn."""
        due = [call for call in self.calls if call.due <= self.now]
        for call in due:
            self.calls.remove(call)
            call.func()

    @property
    def delays(self) -> list[float]:
        """Seconds from now to each call that waits."""
        return sorted(call.due - self.now for call in self.calls)


class Submission(NamedTuple):
    """What comes of a record."""

    admitted: Deferred[None]
    """Fires when the queue took it."""
    delivered: Deferred[DeliveryReport]
    """Fires with its report."""


class ScriptedStore:
    """Commits whatever it gets, unless the script says otherwise.

    Each entry of `script` is for one write: an exception to raise, or None to commit.  A batch
    with one of the numbers in `refused` raises what is there for it.
    """

    def __init__(self, *script: BaseException | None) -> None:
        self.script = deque(script)
        self.refused: dict[int, BaseException] = {}
        self.written: list[Batch] = []
        self.committed: list[Batch] = []

    def write(self, batch: Batch) -> WriteResult:
        """Take one step of the script."""
        self.written.append(batch)
        error = self.script.popleft() if self.script else None
        for record in batch.records:
            error = error or self.refused.get(record.snapshot_id)
        if error is not None:
            raise error
        self.committed.append(batch)
        return WriteResult((Outcome.INSERTED,) * len(batch.records))


class SteppingWorker:
    """Takes work like a thread of its own, and does it when the test says so."""

    def __init__(self, work: Callable[[Batch], WriteResult]) -> None:
        self._work = work
        self.cuts = 0
        self._held: deque[tuple[Batch, Deferred[WriteResult]]] = deque()

    def write(self, batch: Batch) -> Deferred[WriteResult]:
        """Hold `batch` until `step`."""
        answer: Deferred[WriteResult] = Deferred()
        self._held.append((batch, answer))
        return answer

    def cut(self) -> None:
        """Count a cut; held work goes on."""
        self.cuts += 1

    @property
    def held(self) -> list[Batch]:
        """Batches that wait for a step."""
        return [batch for batch, _ in self._held]

    def step(self) -> None:
        """Do the oldest held work and give its answer."""
        batch, answer = self._held.popleft()
        outcome: Deferred[WriteResult] = _done(self._work, batch)
        outcome.chainDeferred(answer)


def _done(work: Callable[[Batch], WriteResult], batch: Batch) -> Deferred[WriteResult]:
    try:
        return succeed(work(batch))
    except BaseException as error:  # noqa: BLE001
        return fail(error)


# The type checker proves here that the fake clock still fits what delivery asks for.
_FITS: CallLater = ManualClock().call_later


@dataclass(frozen=True)
class Kept:
    """A record that was spooled."""

    number: int
    error: BaseException
    attempts: int
    possibly_stored: bool


class DeliveryRig:
    """A delivery with a fake of everything around it, and what it told them."""

    def __init__(
        self,
        *script: BaseException | None,
        max_records: int = 100,
        max_bytes: int = 1000,
        batch_size: int = 3,
        batch_bytes: int = 100,
        policy: RetryPolicy | None = None,
        on_outage: Literal["stop", "dead_letter"] = "stop",
        on_reject: Literal["dead_letter", "drop", "stop"] = "dead_letter",
    ) -> None:
        self.clock = ManualClock()
        self.store = ScriptedStore(*script)
        self.worker = SteppingWorker(self.store.write)
        self.reports: list[DeliveryReport] = []
        self.batches: list[Batch] = []
        self.retries: list[tuple[int, type[BaseException], float]] = []
        self.splits = 0
        self.kept: list[Kept] = []
        self.spool_is_full = False
        self.stop_reasons: list[str] = []
        self.delivery = Delivery(
            store=self.worker,
            spool=self.spool,
            watcher=self,
            stop_crawl=self.stop_reasons.append,
            environment=Environment(self.clock.call_later, lambda: self.clock.now, lambda: 1.0),
            policy=policy or RetryPolicy(outage_timeout=7.0),
            options=DeliveryOptions(
                queue_size=max_records,
                queue_bytes=max_bytes,
                batch_size=batch_size,
                batch_bytes=batch_bytes,
                linger=LINGER,
                on_outage=on_outage,
                on_reject=on_reject,
            ),
        )
        self.queue = self.delivery._queue

    def reported(self, reports: Sequence[DeliveryReport]) -> None:
        """Keep the reports."""
        self.reports.extend(reports)

    def committed(self, batch: Batch, result: WriteResult) -> None:
        """Keep a committed batch."""
        assert len(batch.records) == len(result.outcomes)
        self.batches.append(batch)

    def retrying(self, attempt: int, error: BaseException, delay: float) -> None:
        """Keep what was told of a retry."""
        self.retries.append((attempt, type(error), delay))

    def splitting(self) -> None:
        """Count a split."""
        self.splits += 1

    def spool(
        self,
        records: tuple[SnapshotRecord, ...],
        error: BaseException,
        attempts: int,
        *,
        possibly_stored: bool,
    ) -> None:
        """Keep dead letters, if there is room."""
        if self.spool_is_full:
            raise DeadLetterError("no room")
        self.kept += [Kept(r.snapshot_id, error, attempts, possibly_stored) for r in records]

    def submit(self, *numbers: int, size: int = 1) -> list[Submission]:
        """Submit a record for each number, each of an entity of its own."""
        return [self.submit_record(make_record(n, entity=n, size=size)) for n in numbers]

    def submit_record(self, record: SnapshotRecord) -> Submission:
        """Submit `record`, and hear its report."""
        delivered: Deferred[DeliveryReport] = Deferred()

        def notify(report: DeliveryReport) -> None:
            if delivered.called:
                pytest.fail(f"record {record.snapshot_id} was reported twice")
            delivered.callback(report)

        return Submission(self.delivery.submit(record, notify), delivered)

    def linger(self) -> None:
        """Let the linger of an idle writer pass."""
        self.clock.advance(LINGER)

    @property
    def held(self) -> list[list[int]]:
        """Numbers of the records of each batch that the worker holds."""
        return [[record.snapshot_id for record in batch.records] for batch in self.worker.held]

    @property
    def words(self) -> list[tuple[int, Outcome, int]]:
        """Number, outcome and attempts of each report."""
        return [(one.record.snapshot_id, one.outcome, one.attempts) for one in self.reports]
