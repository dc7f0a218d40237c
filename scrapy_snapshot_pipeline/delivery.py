"""The loop that brings records from the queue to the store and tells what became of each.

One batch is in flight at a time and stays in flight until its last word, so records of one
entity are written in the order of their submission.  Only the write itself is inside the retry.
Everything here happens on the reactor thread; thread hop, clock and chance are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias, cast

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.failure import Failure

from scrapy_snapshot_pipeline import delivery_log, reports
from scrapy_snapshot_pipeline.errors import AbandonedError, QueueClosedError
from scrapy_snapshot_pipeline.nap import CallLater, Cancellable, Nap
from scrapy_snapshot_pipeline.queue import SnapshotQueue
from scrapy_snapshot_pipeline.records import Batch, DeliveryReport, SnapshotRecord, WriteResult
from scrapy_snapshot_pipeline.retry import RetryPolicy, is_retriable

Answer: TypeAlias = WriteResult | BaseException


class Submission(NamedTuple):
    """What `Delivery.submit` promises."""

    admitted: Deferred[None]
    """Fires when the queue took the record; fails with QueueClosedError if it never will."""
    delivered: Deferred[DeliveryReport]
    """Fires with the record's one report, also when that says FAILED; never fails."""


@dataclass(slots=True, eq=False)
class Pending:
    """A submitted record without a report, as it lies in the queue."""

    record: SnapshotRecord
    size: int
    delivered: Deferred[DeliveryReport] = field(default_factory=Deferred)


@dataclass(slots=True, eq=False)
class _Flight:
    """The batch that is being written, or sleeps before a retry."""

    pending: tuple[Pending, ...]
    batch: Batch


class Delivery:
    """Submits, writes, retries, reports; `close` ends it."""

    def __init__(
        self,
        *,
        queue: SnapshotQueue[Pending],
        write: Callable[[Batch], Deferred[WriteResult]],
        call_later: CallLater,
        chance: Callable[[], float],
        policy: RetryPolicy,
        report: Callable[[DeliveryReport], object],
        committed: Callable[[Batch, WriteResult], object],
        retrying: Callable[[int, BaseException, float], object],
        batch_size: int,
        batch_bytes: int,
        linger: float,
    ) -> None:
        """Start the loop, which waits for the first record.

        `write` makes the thread hop.  `chance` gives numbers in [0, 1].  `linger` is in seconds.
        Told are `report` once a record, `committed` once a batch before its reports, and
        `retrying` (failed attempt, its error, seconds until the next) before each sleep; what
        they raise is logged and harms nothing.
        """
        self._queue = queue
        self._write = write
        self._call_later = call_later
        self._chance = chance
        self._policy = policy
        self._report = report
        self._committed = committed
        self._retrying = retrying
        self._batch_size = batch_size
        self._batch_bytes = batch_bytes
        self._linger = linger

        self._nap = Nap(call_later)
        self._idle = False
        self._lingering = False
        self._flight: _Flight | None = None
        self._closing = False
        self._ended = False
        self._close_timer: Cancellable | None = None
        self._closers: list[Deferred[None]] = []
        Deferred.fromCoroutine(self._run()).addErrback(self._loop_died)

    def __repr__(self) -> str:
        state = "ended" if self._ended else "closing" if self._closing else "open"
        return f"<Delivery {state}, {self.in_flight} records in flight, {self._queue!r}>"

    @property
    def in_flight(self) -> int:
        """Records of the batch that is being written or sleeps before a retry."""
        return len(self._flight.pending) if self._flight else 0

    @property
    def pending(self) -> int:
        """Records that still wait for their last word."""
        return self.in_flight + len(self._queue) + self._queue.waiting

    def submit(self, record: SnapshotRecord) -> Submission:
        """Take on `record`; it will be reported exactly once.

        Records are still taken on while closing.  Raises QueueClosedError, without a report,
        once the close has ended.
        """
        if self._queue.closed:
            raise QueueClosedError("the snapshot pipeline is closed; the record was not stored")
        pending = Pending(record, record.size)
        admitted = self._queue.put(pending)
        if self._lingering and self._batch_is_full():
            self._nap.cut()
        return Submission(admitted, pending.delivered)

    def close(self, timeout: float) -> Deferred[None]:
        """Deliver all that is pending, then end; fires when everything has been reported.

        A linger or a retry's sleep under way is cut short.  What has no answer `timeout` seconds
        after the first call is reported FAILED with AbandonedError.  Every call gets its own
        Deferred of the same end; only the first one's timeout counts.
        """
        if self._ended:
            return succeed(None)
        closed: Deferred[None] = Deferred()
        self._closers.append(closed)
        if not self._closing:
            self._closing = True
            self._close_timer = self._call_later(timeout, self._run_out_of_time)
            self._hurry()
        return closed

    def abandon(self, reason: str = "the crawl was forced to stop") -> None:
        """Report everything pending as FAILED with AbandonedError, and end, before returning.

        A write under way cannot be called back: its records may be stored (`attempts` is above
        0); its late answer is only logged.
        """
        flight, self._flight = self._flight, None
        self._closing = True
        left = self._queue.drain()
        if flight:
            error = AbandonedError(f"{reason} before the database answered; possibly stored")
            self._finish(flight.pending, reports.failed(flight.batch, error))
        if left:
            error = AbandonedError(f"{reason} before the record was written; not stored")
            self._finish(left, reports.failed(_batch_of(left, attempt=0), error))
        self._nap.cut()
        self._end()

    # The loop

    async def _run(self) -> None:
        while await self._batch_is_due():
            await self._deliver(self._queue.take(self._batch_size, self._batch_bytes))

    async def _batch_is_due(self) -> bool:
        """Wait for a record; False when none will come."""
        if not self._queue:
            await self._wait_for_arrival()
            await self._linger_for_company()
        return bool(self._queue)

    async def _wait_for_arrival(self) -> None:
        if self._closing:
            self._end()
        self._idle = True
        await self._queue.not_empty()
        self._idle = False

    async def _linger_for_company(self) -> None:
        if self._closing or self._batch_is_full():
            return
        self._lingering = True
        await self._nap.sleep(self._linger)
        self._lingering = False

    async def _deliver(self, pending: tuple[Pending, ...]) -> None:
        flight = _Flight(pending, _batch_of(pending, attempt=1))
        self._flight = flight
        answer = await self._attempt(flight.batch)
        while (delay := self._delay_before_retry(flight, answer)) is not None:
            await self._nap.sleep(delay)
            if self._flight is not flight:
                return
            flight.batch = replace(flight.batch, attempt=flight.batch.attempt + 1)
            answer = await self._attempt(flight.batch)
        self._settle(flight, answer)

    def _attempt(self, batch: Batch) -> Deferred[Answer]:
        """Write once; the Deferred never fails, an error is an answer too."""
        written: Deferred[WriteResult] = maybeDeferred(self._write, batch)
        return written.addErrback(_error_of)

    def _delay_before_retry(self, flight: _Flight, answer: Answer) -> float | None:
        if isinstance(answer, WriteResult) or not is_retriable(answer):
            return None
        if self._flight is not flight:
            return None
        delay = self._policy.delay(flight.batch.attempt, self._chance())
        if delay is not None:
            delivery_log.will_retry(flight.batch, answer, delay)
            _tell("retrying", self._retrying, flight.batch.attempt, answer, delay)
        return delay

    def _batch_is_full(self) -> bool:
        return self._queue.holds(self._batch_size, self._batch_bytes)

    # The last word

    def _settle(self, flight: _Flight, answer: Answer) -> None:
        if self._flight is not flight:
            delivery_log.answered_late(flight.batch, stored=isinstance(answer, WriteResult))
            return
        self._flight = None
        if isinstance(answer, WriteResult):
            _tell("committed", self._committed, flight.batch, answer)
            self._finish(flight.pending, reports.stored(flight.batch, answer))
        else:
            delivery_log.gave_up(flight.batch, answer)
            self._finish(flight.pending, reports.failed(flight.batch, answer))

    def _finish(self, pending: Iterable[Pending], last_words: Sequence[DeliveryReport]) -> None:
        errors: list[Exception] = []
        for one, report in zip(pending, last_words, strict=True):
            try:
                self._report(report)
            except Exception as error:  # noqa: BLE001
                errors.append(error)
            one.delivered.callback(report)
        if errors:
            delivery_log.observer_failed("report", errors[0], len(errors))

    # The end

    def _hurry(self) -> None:
        self._nap.cut()
        if self._idle:
            self._end()

    def _run_out_of_time(self) -> None:
        self._close_timer = None
        delivery_log.ran_out_of_time(self.pending)
        self.abandon("the close ran out of time")

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._queue.close()
        if self._close_timer is not None:
            self._close_timer.cancel()
        for closed in self._closers:
            closed.callback(None)

    def _loop_died(self, failure: Failure) -> None:
        # A bug of ours; whoever waits must not wait for ever.
        delivery_log.loop_died(_error_of(failure))
        self.abandon("the delivery loop died")


def _batch_of(pending: Iterable[Pending], attempt: int) -> Batch:
    return Batch(tuple(one.record for one in pending), attempt)


def _error_of(failure: Failure) -> BaseException:
    return cast("BaseException", failure.value)


def _tell(name: str, observer: Callable[..., object], *args: object) -> None:
    try:
        observer(*args)
    except Exception as error:  # noqa: BLE001
        delivery_log.observer_failed(name, error)
