"""The loop that brings records from the queue to the store and tells what became of each.

One batch is in flight at a time and stays in flight until its last word, so records of one
entity are written in the order of their submission.  Only the write itself is inside the retry.
Everything here happens on the reactor thread; thread hop, clocks and chance are handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias, cast

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.failure import Failure

from scrapy_snapshot_pipeline.delivery import log as delivery_log
from scrapy_snapshot_pipeline.delivery import reports
from scrapy_snapshot_pipeline.delivery.bisect import CircuitBreaker
from scrapy_snapshot_pipeline.delivery.in_flight import InFlight, Part, Pending
from scrapy_snapshot_pipeline.delivery.notifier import Notifier, tell
from scrapy_snapshot_pipeline.delivery.ports import DeliveryOptions, Spool, Watcher
from scrapy_snapshot_pipeline.delivery.queue import SnapshotQueue
from scrapy_snapshot_pipeline.delivery.retry import (
    Outlasted,
    Reject,
    Retry,
    RetryPolicy,
    Split,
    Troubles,
)
from scrapy_snapshot_pipeline.errors import (
    AbandonedError,
    AmbiguousCommitError,
    DeadLetterError,
    WriteError,
)
from scrapy_snapshot_pipeline.reactor.timers import CallLater, Cancellable, InterruptibleSleep
from scrapy_snapshot_pipeline.records import (
    Batch,
    DeliveryReport,
    Outcome,
    SnapshotRecord,
    WriteResult,
)

Answer: TypeAlias = WriteResult | BaseException

UNAVAILABLE = "snapshot_database_unavailable"
BROKEN = "snapshot_database_broken"
REJECTED = "snapshot_record_rejected"
NO_DEAD_LETTERS = "snapshot_dead_letters_failed"
"""Finish reasons of a crawl that delivery stops."""

_SLOW_WRITE = 0.025
"""Seconds: more than a batch of confirmations takes near by, and less than 20 ms away."""


class Delivery:
    """Submits, writes, retries, isolates, spools, reports; `close` ends it."""

    def __init__(
        self,
        *,
        queue: SnapshotQueue[Pending],
        write: Callable[[Batch], Deferred[WriteResult]],
        cut: Callable[[], object],
        spool: Spool,
        stop_crawl: Callable[[str], object],
        watcher: Watcher,
        call_later: CallLater,
        now: Callable[[], float],
        chance: Callable[[], float],
        policy: RetryPolicy,
        options: DeliveryOptions,
    ) -> None:
        """Start the loop, which waits for the first record.

        `write` makes the thread hop; `cut` has a write under way fail at once.  `stop_crawl` asks
        for the end of the crawl with a finish reason.  `now` gives seconds on a clock that never
        goes back, `chance` numbers in [0, 1].
        """
        self._queue = queue
        self._write = write
        self._cut = cut
        self._spool = spool
        self._stop_crawl = stop_crawl
        self._watcher = watcher
        self._call_later = call_later
        self._now = now
        self._chance = chance
        self._policy = policy
        self._options = options

        self._nap = InterruptibleSleep(call_later)
        self._teller = Notifier(call_later)
        self._troubles = Troubles()
        self._breaker = CircuitBreaker()
        self._idle = False
        self._lingering = False
        self._writing = False
        self._write_seconds = math.inf
        self._flight: InFlight | None = None
        self._given_up: BaseException | None = None
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
        return len(self._flight) if self._flight else 0

    @property
    def slow(self) -> bool:
        """Whether the last write took long, or none has answered yet."""
        return self._write_seconds > _SLOW_WRITE

    @property
    def pending(self) -> int:
        """Records that still wait for their last word."""
        return self._undecided + len(self._teller)

    @property
    def _undecided(self) -> int:
        return self.in_flight + len(self._queue) + self._queue.waiting

    def submit(
        self, record: SnapshotRecord, tell: Callable[[DeliveryReport], object]
    ) -> Deferred[None]:
        """Take on `record`, and `tell` its one report, whatever that says.

        What comes back fires when the queue took the record, and fails with QueueClosedError if it
        never will.  Records are still taken on while closing; those that come after the end are
        spooled.
        """
        pending = Pending(record, record.size, tell)
        if self._queue.closed:
            late = AbandonedError("the record came after the close of the pipeline; not stored")
            self._keep(Part((pending,), attempt=0), late)
            return succeed(None)
        admitted = self._queue.put(pending)
        if self._lingering and self._batch_is_full():
            self._nap.cut()
        return admitted

    def hasten(self) -> None:
        """Linger no more for company of what is queued: none will come."""
        if self._lingering:
            self._nap.cut()

    def stop_within(self, timeout: float) -> None:
        """Begin to hurry: what is not stored `timeout` seconds after the first call is spooled.

        A linger or a retry's sleep under way is cut short.  The delivery goes on for records that
        still come; `close` ends it.
        """
        if self._ended or self._close_timer is not None:
            return
        self._close_timer = self._call_later(timeout, self._run_out_of_time)
        self._nap.cut()

    def close(self, timeout: float) -> Deferred[None]:
        """Deliver all that is pending, then end; fires when everything has been reported.

        What has no answer in time, see `stop_within`, is spooled with AbandonedError.  Every call
        gets its own Deferred of the same end; only the first timeout counts.
        """
        if self._ended:
            return succeed(None)
        closed: Deferred[None] = Deferred()
        self._closers.append(closed)
        if not self._closing:
            self._closing = True
            self.stop_within(timeout)
            self._hurry()
        return closed

    def abandon(self, reason: str = "the crawl was forced to stop") -> None:
        """Spool and report everything pending, with AbandonedError, and end, before returning.

        A write under way is cut off, but it cannot be called back: its records may be stored; its
        late answer is only logged.
        """
        self._teller.hold()  # the loop may be gone already
        flight, self._flight = self._flight, None
        self._closing = True
        left = self._queue.drain()
        if self._writing:
            self._cut()
        if flight:
            self._abandon_flight(flight, reason)
        if left:
            error = AbandonedError(f"{reason} before the record was written; not stored")
            self._keep(Part(left, attempt=0), error)
        self._nap.cut()
        self._end()

    # The loop

    async def _run(self) -> None:
        while await self._batch_is_due():
            options = self._options
            await self._deliver(self._queue.take(options.batch_size, options.batch_bytes))

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
        if self._close_timer is not None or self._closing or self._batch_is_full():
            return
        self._lingering = True
        await self._nap.sleep(self._options.linger)
        self._lingering = False

    async def _deliver(self, entries: tuple[Pending, ...]) -> None:
        if self._given_up is not None:
            self._keep(Part(entries, attempt=0), self._given_up)
            return
        flight = InFlight(entries)
        self._flight = flight
        while self._flight is flight and flight:
            await self._write_first(flight)
        if self._flight is flight:
            self._flight = None

    async def _write_first(self, flight: InFlight) -> None:
        batch = flight.first.batch
        self._writing = True
        begun = self._now()
        answer = await self._attempt(batch)
        self._write_seconds = self._now() - begun
        self._writing = False
        if self._flight is not flight:
            delivery_log.answered_late(batch, stored=isinstance(answer, WriteResult))
        elif isinstance(answer, WriteResult):
            self._stored(flight.settle_first(), answer)
        else:
            await self._failed(flight, answer)

    def _attempt(self, batch: Batch) -> Deferred[Answer]:
        """Write once; the Deferred never fails, an error is an answer too."""
        written: Deferred[WriteResult] = maybeDeferred(self._write, batch)
        return written.addErrback(_error_of)

    async def _failed(self, flight: InFlight, error: BaseException) -> None:
        if isinstance(error, AmbiguousCommitError):
            flight.doubt()
        trouble = self._troubles.failed(error, self._now(), len(flight.first.entries))
        verdict = self._policy.decide(error, trouble, self._chance())
        if isinstance(verdict, Retry):
            await self._sleep_before_retry(flight, error, verdict.delay)
        elif isinstance(verdict, Split):
            self._split(flight, error)
        elif isinstance(verdict, Reject):
            self._reject(flight, error)
        elif isinstance(verdict, Outlasted) and self._options.on_outage == "dead_letter":
            self._keep_flight(flight, error)
        else:
            self._give_up(flight, error, UNAVAILABLE if isinstance(verdict, Outlasted) else BROKEN)

    async def _sleep_before_retry(
        self, flight: InFlight, error: BaseException, delay: float
    ) -> None:
        batch = flight.first.batch
        delivery_log.will_retry(batch, error, delay)
        tell(self._watcher.retrying, batch.attempt, error, delay)
        await self._nap.sleep(delay)
        if self._flight is flight:
            flight.again()

    def _split(self, flight: InFlight, error: BaseException) -> None:
        delivery_log.will_split(flight.first.batch, error)
        tell(self._watcher.splitting)
        self._troubles.smaller()
        flight.split_first()

    def _batch_is_full(self) -> bool:
        return self._queue.holds(self._options.batch_size, self._options.batch_bytes)

    # The last word

    def _stored(self, part: Part, result: WriteResult) -> None:
        self._troubles.stored()
        self._breaker.stored(len(part.entries))
        if len(result.outcomes) != len(part.entries):
            self._keep(replace(part, possibly_stored=True), reports.miscounted(part.batch, result))
            return
        tell(self._watcher.committed, part.batch, result)
        self._finish(part, reports.stored(part.batch, result))

    def _reject(self, flight: InFlight, error: BaseException) -> None:
        cause = error.cause if isinstance(error, WriteError) else WriteError().cause
        if self._breaker.rejected(type(error), cause):
            self._give_up(flight, error, BROKEN)
            return
        if self._options.on_reject == "stop":
            self._give_up(flight, error, REJECTED)
            return
        self._troubles.smaller()
        flight.rejected()
        part = flight.settle_first()
        if self._options.on_reject == "drop" and not part.possibly_stored:
            delivery_log.dropped(part.batch, error)
            self._finish(part, reports.not_stored(part.batch, Outcome.DROPPED, error))
        else:
            self._keep(part, error)

    def _give_up(self, flight: InFlight, error: BaseException, reason: str) -> None:
        """Store nothing any more: spool what is in flight, and all that comes."""
        delivery_log.gave_up(self._undecided, error, reason)
        self._given_up = error
        self._stop_crawl(reason)
        self._keep_flight(flight, error)

    def _keep_flight(self, flight: InFlight, error: BaseException) -> None:
        for part in flight.settle_all():
            self._keep(part, error)

    def _abandon_flight(self, flight: InFlight, reason: str) -> None:
        if self._writing:
            flight.doubt()
        for part in flight.settle_all():
            stored = "possibly stored" if part.possibly_stored else "not stored"
            self._keep(part, AbandonedError(f"{reason} before the database answered; {stored}"))

    def _keep(self, part: Part, error: BaseException) -> None:
        """Spool `part`; what even that cannot keep is FAILED, and the crawl stops."""
        try:
            self._spool(part.records, error, part.attempt, possibly_stored=part.possibly_stored)
        except DeadLetterError as unwritable:
            delivery_log.lost(part.batch, unwritable)
            self._finish(part, reports.not_stored(part.batch, Outcome.FAILED, unwritable))
            self._stop_crawl(NO_DEAD_LETTERS)
            return
        delivery_log.kept(part.batch, error)
        self._finish(part, reports.not_stored(part.batch, Outcome.DEAD_LETTERED, error))

    def _finish(self, part: Part, last_words: Sequence[DeliveryReport]) -> None:
        tell(self._watcher.reported, last_words)
        self._teller.tell(zip(part.entries, last_words, strict=True))

    # The end

    def _hurry(self) -> None:
        if self._idle:
            self._end()

    def _run_out_of_time(self) -> None:
        self._close_timer = None
        delivery_log.ran_out_of_time(self._undecided)
        self.abandon("the close ran out of time")

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._queue.close()
        self._teller.finish()
        if self._close_timer is not None:
            self._close_timer.cancel()
        for closed in self._closers:
            closed.callback(None)

    def _loop_died(self, failure: Failure) -> None:
        # A bug of ours; whoever waits must not wait for ever.
        delivery_log.loop_died(_error_of(failure))
        self.abandon("the delivery loop died")


def _error_of(failure: Failure) -> BaseException:
    return cast("BaseException", failure.value)
