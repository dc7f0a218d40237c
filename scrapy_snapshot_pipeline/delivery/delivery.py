"""The delivery as the crawl sees it: submit records, get reports, close.

    submit ──► Accumulator ──► Sender ──► Settlement ──► reports
               queue, linger   attempts   dead letters

Everything here happens on the reactor thread.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from scrapy_snapshot_pipeline.delivery import log as delivery_log
from scrapy_snapshot_pipeline.delivery.accumulator import Accumulator
from scrapy_snapshot_pipeline.delivery.in_flight import Part, Pending
from scrapy_snapshot_pipeline.delivery.ports import (
    DeliveryOptions,
    Environment,
    Spool,
    StopCrawl,
    Store,
    Watcher,
)
from scrapy_snapshot_pipeline.delivery.queue import SnapshotQueue
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.delivery.sender import Sender, error_of
from scrapy_snapshot_pipeline.delivery.settlement import Settlement
from scrapy_snapshot_pipeline.errors import AbandonedError, SnapshotError, WriteError
from scrapy_snapshot_pipeline.reactor.timers import Cancellable
from scrapy_snapshot_pipeline.records import DeliveryReport, SnapshotRecord

_SECONDS_A_LETTER = 0.0001
"""What it takes to write a dead letter and to end its item, on a slow machine."""


class Delivery:
    """Takes on records and gives each of them exactly one report; `close` ends it."""

    def __init__(
        self,
        *,
        store: Store,
        spool: Spool,
        watcher: Watcher,
        stop_crawl: StopCrawl,
        environment: Environment,
        policy: RetryPolicy,
        options: DeliveryOptions,
    ) -> None:
        """Start the loop, which waits for the first record."""
        self._call_later = environment.call_later
        self._queue = SnapshotQueue[Pending](
            max_records=options.queue_size, max_bytes=options.queue_bytes
        )
        self._accumulator = Accumulator(self._queue, options, environment.call_later)
        self._settlement = Settlement(
            spool=spool,
            watcher=watcher,
            stop_crawl=stop_crawl,
            call_later=environment.call_later,
        )
        self._sender = Sender(
            accumulator=self._accumulator,
            settlement=self._settlement,
            store=store,
            watcher=watcher,
            stop_crawl=stop_crawl,
            environment=environment,
            policy=policy,
            options=options,
        )
        self._ended = False
        self._close_timer: Cancellable | None = None
        self._closers: list[Deferred[None]] = []
        Deferred.fromCoroutine(self._run()).addErrback(self._loop_died)

    def __repr__(self) -> str:
        state = "ended" if self._ended else "closing" if self._closers else "open"
        return f"<Delivery {state}, {self._sender.in_flight} in flight, {self._accumulator!r}>"

    @property
    def queued(self) -> int:
        """Records in the queue."""
        return len(self._queue)

    @property
    def pending(self) -> int:
        """Records whose submitter has not been notified yet."""
        return self._sender.unsettled + len(self._settlement)

    @property
    def slow(self) -> bool:
        """Whether the last write took long, or none has been answered yet."""
        return self._sender.slow

    def submit(
        self,
        record: SnapshotRecord,
        notify: Callable[[DeliveryReport], object],
        unavailable: WriteError | None = None,
    ) -> Deferred[None]:
        """Take on `record`, and call `notify` once, with its report.

        `unavailable` is why its tables could not be created; it goes to the dead letters then.

        The Deferred fires when the queue has taken the record, and fails with QueueClosedError if
        it never will.  Records are still taken on while closing; those that come after the end
        go to the dead letters.
        """
        pending = Pending(record, record.size, notify)
        refused: SnapshotError | None = unavailable
        if self._ended:
            refused = AbandonedError("the record came after the close of the pipeline; not stored")
        if refused is not None:
            self._settlement.dead_letter(Part.of((pending,), attempt=0), refused)
            return succeed(None)
        return self._accumulator.append(pending)

    def hasten(self) -> None:
        """End the present linger, because no more records will come for now."""
        self._accumulator.hasten()

    def stop_within(self, timeout: float) -> None:
        """Hurry: `timeout` seconds after the first call, dead-letter what is not stored.

        A linger or the sleep before a retry is cut short.  Records are still taken on; `close`
        ends the delivery.  Where the database stores nothing it is earlier, by the time that the
        dead letters will take.
        """
        if self._ended or self._close_timer is not None:
            return
        letters = min(self.pending * _SECONDS_A_LETTER, timeout / 2)
        stored = self._sender.stored

        def look() -> None:
            if self._sender.in_outage or self._sender.stored == stored:
                self._run_out_of_time()
            else:
                self._close_timer = self._call_later(letters, self._run_out_of_time)

        self._close_timer = self._call_later(timeout - letters, look)
        self._accumulator.stop_lingering()
        self._sender.wake()

    def close(self, timeout: float) -> Deferred[None]:
        """Deliver all that is pending, then end; fires when everything has been reported.

        What is not stored in time, see `stop_within`, is dead-lettered with AbandonedError.  Each
        call returns its own Deferred of the same end; only the first timeout counts.
        """
        if self._ended:
            return succeed(None)
        closed: Deferred[None] = Deferred()
        self._closers.append(closed)
        self.stop_within(timeout)
        self._accumulator.close_when_empty()
        return closed

    def abandon(self, reason: str = "the crawl was forced to stop") -> None:
        """Before returning, dead-letter and report all that is pending, and end.

        A write under way is cut off, but it cannot be called back: its records may be stored, and
        its late answer is only logged.
        """
        if self._ended:
            return
        self._ended = True
        self._settlement.hold()
        left = self._accumulator.drain()
        self._sender.abandon(reason)
        if left:
            error = AbandonedError(f"{reason} before the record was written; not stored")
            self._settlement.dead_letter(Part.of(left, attempt=0), error)
        self._release()

    async def _run(self) -> None:
        await self._sender.run()
        if not self._ended:
            self._ended = True
            self._release()

    def _run_out_of_time(self) -> None:
        self._close_timer = None
        delivery_log.ran_out_of_time(self._sender.unsettled)
        self.abandon("the close ran out of time")

    def _release(self) -> None:
        """Let the loop end, and everyone go on who waits for a report or for the close."""
        self._accumulator.close()
        self._sender.wake()
        self._settlement.finish()
        if self._close_timer is not None:
            self._close_timer.cancel()
        for closed in self._closers:
            closed.callback(None)

    def _loop_died(self, failure: Failure) -> None:
        # This is a bug of ours, but nobody may wait for ever because of it.
        delivery_log.loop_died(error_of(failure))
        self.abandon("the delivery loop died")
