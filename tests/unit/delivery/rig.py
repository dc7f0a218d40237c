"""A delivery that a test steps, and how to bring it into the usual states."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from scrapy_snapshot_pipeline.delivery.delivery import Delivery
from scrapy_snapshot_pipeline.delivery.ports import DeliveryOptions, Environment
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.errors import DeadLetterError, OutageError
from scrapy_snapshot_pipeline.records import (
    Batch,
    DeliveryReport,
    Outcome,
    SnapshotRecord,
    WriteResult,
)
from tests.unit.fakes import ManualClock, ScriptedStore, make_record

LINGER = 0.02
INSERTED, DEAD_LETTERED, FAILED = Outcome.INSERTED, Outcome.DEAD_LETTERED, Outcome.FAILED
SCRAPED = "an odd of 1.85"
"""A text with a scraped value, which must not be logged."""


class Submission(NamedTuple):
    """The two answers to whoever submits a record."""

    admitted: Deferred[None]
    """Fires when the queue took it."""
    delivered: Deferred[DeliveryReport]
    """Fires with its report."""


class SteppingWorker:
    """Takes batches like the writer thread, and writes them when the test says so."""

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


@dataclass(frozen=True)
class DeadLettered:
    """A record that was spooled."""

    number: int
    error: BaseException
    attempts: int
    possibly_stored: bool


class DeliveryRig:
    """A delivery with fakes around it, which remember how they were called."""

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
        self.spooled: list[DeadLettered] = []
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
        """Remember the reports."""
        self.reports.extend(reports)

    def committed(self, batch: Batch, result: WriteResult) -> None:
        """Remember a committed batch."""
        assert len(batch.records) == len(result.outcomes)
        self.batches.append(batch)

    def retrying(self, attempt: int, error: BaseException, delay: float) -> None:
        """Remember a retry."""
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
        """Remember dead letters, if there is room."""
        if self.spool_is_full:
            raise DeadLetterError("no room")
        self.spooled += [
            DeadLettered(r.snapshot_id, error, attempts, possibly_stored) for r in records
        ]

    def submit(self, *numbers: int, size: int = 1) -> list[Submission]:
        """Submit a record for each number, each of an entity of its own."""
        return [self.submit_record(make_record(n, entity=n, size=size)) for n in numbers]

    def submit_record(self, record: SnapshotRecord) -> Submission:
        """Submit `record`; its report must come once only."""
        delivered: Deferred[DeliveryReport] = Deferred()

        def notify(report: DeliveryReport) -> None:
            if delivered.called:
                pytest.fail(f"record {record.snapshot_id} was reported twice")
            delivered.callback(report)

        return Submission(self.delivery.submit(record, notify), delivered)

    def linger(self) -> None:
        """Let the linger of an idle sender pass."""
        self.clock.advance(LINGER)

    @property
    def held(self) -> list[list[int]]:
        """Numbers of the records of each batch that the worker holds."""
        return [[record.snapshot_id for record in batch.records] for batch in self.worker.held]

    @property
    def outcomes(self) -> list[tuple[int, Outcome, int]]:
        """Number, outcome and attempts of each report."""
        return [(one.record.snapshot_id, one.outcome, one.attempts) for one in self.reports]


class ClumsyRig(DeliveryRig):
    """Each listener raises, with a scraped value in the text."""

    def reported(self, reports: Sequence[DeliveryReport]) -> None:
        """Raise after remembering the reports."""
        super().reported(reports)
        raise KeyError(SCRAPED)

    def committed(self, batch: Batch, result: WriteResult) -> None:
        """Raise after remembering the batch."""
        super().committed(batch, result)
        raise ValueError(SCRAPED)

    def retrying(self, attempt: int, error: BaseException, delay: float) -> None:
        """Raise after remembering the retry."""
        super().retrying(attempt, error, delay)
        raise ValueError(SCRAPED)


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
