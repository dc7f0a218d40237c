"""Gathers submitted records, and decides when a batch of them is due."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.delivery.in_flight import Pending
from scrapy_snapshot_pipeline.delivery.ports import DeliveryOptions
from scrapy_snapshot_pipeline.delivery.queue import SnapshotQueue
from scrapy_snapshot_pipeline.reactor.timers import CallLater, InterruptibleSleep


class Accumulator:
    """Puts records into a queue and takes them out in batches.  Reactor thread only.

    A batch never waits to be full.  A busy sender takes what has gathered when it comes back.
    Only an idle one lingers after the first record, so that records which come close together
    share a transaction.
    """

    def __init__(
        self, queue: SnapshotQueue[Pending], options: DeliveryOptions, call_later: CallLater
    ) -> None:
        self._queue = queue
        self._options = options
        self._sleep = InterruptibleSleep(call_later)
        self._may_linger = True
        self._lingering = False
        self._idle = False
        self._closes_when_empty = False

    def __repr__(self) -> str:
        state = "lingering" if self._lingering else "idle" if self._idle else "gathering"
        return f"<Accumulator {state}, {self._queue!r}>"

    @property
    def pending(self) -> int:
        """Records that no batch has taken yet: those in the queue, and those that wait for room."""
        return len(self._queue) + self._queue.waiting

    def append(self, pending: Pending) -> Deferred[None]:
        """Queue a record; the Deferred is that of `SnapshotQueue.put`."""
        admitted = self._queue.put(pending)
        if self._lingering and self._is_full():
            self._sleep.interrupt()
        return admitted

    async def next_batch(self) -> tuple[Pending, ...]:
        """Wait until a batch is due, and take it; it is empty once the accumulator is closed."""
        if not self._queue:
            await self._wait_for_arrival()
            await self._linger()
        return self._queue.take(self._options.batch_size, self._options.batch_bytes)

    def hasten(self) -> None:
        """End the present linger, because no more records will come for now."""
        if self._lingering:
            self._sleep.interrupt()

    def stop_lingering(self) -> None:
        """From now on, a batch is due as soon as there is a record."""
        self._may_linger = False
        self.hasten()

    def close_when_empty(self) -> None:
        """Close as soon as the sender finds nothing to take; until then records are taken on."""
        self._closes_when_empty = True
        if self._idle:
            self._queue.close()

    def drain(self) -> tuple[Pending, ...]:
        """Take on nothing more, and return everything that no batch has taken."""
        return self._queue.drain()

    def close(self) -> None:
        """Take on nothing more, and end the present linger."""
        self._queue.close()
        self.hasten()

    async def _wait_for_arrival(self) -> None:
        if self._closes_when_empty:
            self._queue.close()
        self._idle = True
        await self._queue.not_empty()
        self._idle = False

    async def _linger(self) -> None:
        if self._queue and self._may_linger and not self._is_full():
            self._lingering = True
            await self._sleep.sleep(self._options.linger)
            self._lingering = False

    def _is_full(self) -> bool:
        return self._queue.holds(self._options.batch_size, self._options.batch_bytes)
