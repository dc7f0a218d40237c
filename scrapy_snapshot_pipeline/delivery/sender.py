"""The loop of attempts: writes a batch until each record in it is stored, refused or given up.

One batch is in flight at a time, and it stays in flight until all of its records are settled, so
the records of one entity are written in the order of their submission.
"""

from __future__ import annotations

import math
from typing import cast

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from scrapy_snapshot_pipeline.delivery import log as delivery_log
from scrapy_snapshot_pipeline.delivery.accumulator import Accumulator
from scrapy_snapshot_pipeline.delivery.bisect import CircuitBreaker
from scrapy_snapshot_pipeline.delivery.in_flight import InFlight, Part, Pending
from scrapy_snapshot_pipeline.delivery.notifier import call_listener
from scrapy_snapshot_pipeline.delivery.ports import (
    BROKEN,
    REJECTED,
    UNAVAILABLE,
    DeliveryOptions,
    Environment,
    StopCrawl,
    Store,
    Watcher,
)
from scrapy_snapshot_pipeline.delivery.retry import (
    FailureState,
    FailureTracker,
    OutageTooLong,
    Reject,
    Retry,
    RetryPolicy,
    Split,
)
from scrapy_snapshot_pipeline.delivery.settlement import Settlement
from scrapy_snapshot_pipeline.errors import (
    NO_CAUSE,
    AbandonedError,
    AmbiguousCommitError,
    WriteError,
)
from scrapy_snapshot_pipeline.reactor.timers import InterruptibleSleep
from scrapy_snapshot_pipeline.records import Batch, WriteResult

_SLOW_WRITE = 0.025
"""Seconds.  A batch of confirmations takes less time on a server near by and more on a distant one.

See the benchmark, section E.
"""


class Sender:
    """Takes batches from the accumulator and hands their records to the settlement.

    Reactor thread only.
    """

    def __init__(
        self,
        *,
        accumulator: Accumulator,
        settlement: Settlement,
        store: Store,
        watcher: Watcher,
        stop_crawl: StopCrawl,
        environment: Environment,
        policy: RetryPolicy,
        options: DeliveryOptions,
    ) -> None:
        self._accumulator = accumulator
        self._settlement = settlement
        self._store = store
        self._watcher = watcher
        self._stop_crawl = stop_crawl
        self._environment = environment
        self._policy = policy
        self._options = options

        self._sleep = InterruptibleSleep(environment.call_later)
        self._failures = FailureTracker()
        self._breaker = CircuitBreaker()
        self._in_flight = InFlight()
        self._writing = False
        self._write_seconds = math.inf
        self.stored = 0
        """Batches, or parts of one, that the database has taken."""
        self._given_up: BaseException | None = None

    @property
    def in_flight(self) -> int:
        """Records of the batch that is being written or waits for its retry."""
        return len(self._in_flight)

    @property
    def unsettled(self) -> int:
        """Records in flight, and those that no batch has taken yet."""
        return len(self._in_flight) + self._accumulator.pending

    @property
    def slow(self) -> bool:
        """Whether the last write took long, or none has been answered yet."""
        return self._write_seconds > _SLOW_WRITE

    @property
    def in_outage(self) -> bool:
        """Whether the last attempt failed because the database was not to be had."""
        return self._failures.in_outage

    async def run(self) -> None:
        """Send one batch after the other until the accumulator is closed and empty."""
        while entries := await self._accumulator.next_batch():
            await self._send(entries)

    def wake(self) -> None:
        """Cut short the sleep before a retry."""
        self._sleep.interrupt()

    def abandon(self, reason: str) -> None:
        """Cut off the write under way, and dead-letter what is in flight with AbandonedError."""
        if self._writing:
            self._in_flight.mark_possibly_stored()
            self._store.cut()
        for part in self._in_flight.remove_all():
            stored = "possibly stored" if part.possibly_stored else "not stored"
            error = AbandonedError(f"{reason} before the database answered; {stored}")
            self._settlement.dead_letter(part, error)

    async def _send(self, entries: tuple[Pending, ...]) -> None:
        if self._given_up is not None:
            self._settlement.dead_letter(Part.of(entries, attempt=0), self._given_up)
            return
        self._in_flight = InFlight(entries)
        while self._in_flight:
            await self._write_first()

    async def _write_first(self) -> None:
        batch = self._in_flight.first.batch
        answer = await self._attempt(batch)
        if not self._in_flight:
            delivery_log.answered_late(batch, stored=isinstance(answer, WriteResult))
        elif isinstance(answer, WriteResult):
            self._stored(answer)
        else:
            await self._failed(answer)

    async def _attempt(self, batch: Batch) -> WriteResult | BaseException:
        """Write once; an error is returned, not raised."""
        self._writing = True
        begun = self._environment.now()
        written: Deferred[WriteResult] = maybeDeferred(self._store.write, batch)
        answer = await written.addErrback(error_of)
        self._write_seconds = self._environment.now() - begun
        self._writing = False
        return answer

    def _stored(self, result: WriteResult) -> None:
        part = self._in_flight.remove_first()
        self.stored += 1
        self._failures.stored()
        self._breaker.stored(len(part.entries))
        self._settlement.stored(part, result)

    # After a failed attempt

    async def _failed(self, error: BaseException) -> None:
        if isinstance(error, AmbiguousCommitError):
            self._in_flight.mark_possibly_stored()
        verdict = self._policy.decide(error, self._count_failure(error), self._environment.chance())
        if isinstance(verdict, Retry):
            await self._sleep_before_retry(error, verdict.delay)
        elif isinstance(verdict, Split):
            self._split(error)
        elif isinstance(verdict, Reject):
            self._reject(error)
        elif isinstance(verdict, OutageTooLong) and self._options.on_outage == "dead_letter":
            self._dead_letter_in_flight(error)
        else:
            self._give_up(error, UNAVAILABLE if isinstance(verdict, OutageTooLong) else BROKEN)

    def _count_failure(self, error: BaseException) -> FailureState:
        records = len(self._in_flight.first.entries)
        return self._failures.failed(error, self._environment.now(), records)

    async def _sleep_before_retry(self, error: BaseException, delay: float) -> None:
        batch = self._in_flight.first.batch
        delivery_log.will_retry(batch, error, delay)
        call_listener(self._watcher.retrying, batch.attempt, error, delay)
        await self._sleep.sleep(delay)
        if self._in_flight:
            self._in_flight.count_attempt()

    def _split(self, error: BaseException) -> None:
        delivery_log.will_split(self._in_flight.first.batch, error)
        call_listener(self._watcher.splitting)
        self._failures.reset_failures()
        self._in_flight.split_first()

    def _reject(self, error: BaseException) -> None:
        cause = error.cause if isinstance(error, WriteError) else NO_CAUSE
        if self._breaker.rejected(type(error), cause):
            self._give_up(error, BROKEN)
        elif self._options.on_reject == "stop":
            self._give_up(error, REJECTED)
        else:
            self._settle_rejected(error)

    def _settle_rejected(self, error: BaseException) -> None:
        self._failures.reset_failures()
        part = self._in_flight.reject_first()
        if self._options.on_reject == "drop" and not part.possibly_stored:
            self._settlement.dropped(part, error)
        else:
            self._settlement.dead_letter(part, error)

    def _give_up(self, error: BaseException, reason: str) -> None:
        """Store nothing more: dead-letter what is in flight, and all that comes."""
        delivery_log.gave_up(self.unsettled, error, reason)
        self._given_up = error
        self._stop_crawl(reason)
        self._dead_letter_in_flight(error)

    def _dead_letter_in_flight(self, error: BaseException) -> None:
        for part in self._in_flight.remove_all():
            self._settlement.dead_letter(part, error)


def error_of(failure: Failure) -> BaseException:
    """The exception in a Failure of Twisted's."""
    return cast("BaseException", failure.value)
