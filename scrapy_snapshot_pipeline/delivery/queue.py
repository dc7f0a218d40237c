"""A bounded first-in-first-out queue whose callers wait with Deferreds.

It knows neither who takes from it nor what a record is, only that an entry has a size.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred, fail, succeed

from scrapy_snapshot_pipeline.errors import QueueClosedError


class HasSize(Protocol):
    """What the queue must know of an entry."""

    @property
    def size(self) -> int:
        """Bytes that the entry counts for."""


T = TypeVar("T", bound=HasSize)


class SnapshotQueue(Generic[T]):
    """Entries in the order of their `put`, at most `max_records` and `max_bytes` of them.

    Entries that have been taken no longer count: one batch may be in flight beside the queue.
    Entries that wait for admission do not count either; to limit them is up to the caller.

    All state belongs to the reactor thread.  Nobody is woken before the state is consistent again,
    so whoever is woken may use the queue at once.
    """

    def __init__(self, *, max_records: int, max_bytes: int) -> None:
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._entries: deque[T] = deque()
        self._size = 0
        self._waiting: deque[tuple[T, Deferred[None]]] = deque()
        self._arrival: list[Deferred[None]] = []
        self._closed = False

    def __len__(self) -> int:
        """Entries that were admitted and have not been taken yet."""
        return len(self._entries)

    def __repr__(self) -> str:
        return (
            f"<SnapshotQueue {len(self._entries)}/{self._max_records} records, "
            f"{self._size}/{self._max_bytes} bytes, {len(self._waiting)} waiting"
            f"{', closed' if self._closed else ''}>"
        )

    @property
    def size(self) -> int:
        """Bytes of the queued entries together."""
        return self._size

    @property
    def waiting(self) -> int:
        """Entries that wait for admission."""
        return len(self._waiting)

    @property
    def closed(self) -> bool:
        """Whether `put` refuses everything from now on."""
        return self._closed

    def put(self, entry: T) -> Deferred[None]:
        """Queue `entry`; the Deferred fires on its admission.

        Entries are admitted in the order of the calls.  One that is larger than the whole queue
        is admitted when the queue is empty.  The Deferred fails with QueueClosedError if the queue
        is closed, or drained before there was room.  To cancel it withdraws nothing.
        """
        if self._closed:
            return fail(QueueClosedError("the snapshot queue is closed; no record can be added"))
        if self._waiting or not self._has_room_for(entry):
            admitted: Deferred[None] = Deferred()
            self._waiting.append((entry, admitted))
            return admitted
        self._admit(entry)
        if self._arrival:
            self._wake_takers()
        return succeed(None)

    def take(self, max_records: int, max_bytes: int) -> tuple[T, ...]:
        """Remove and return the oldest entries up to these limits, at least one if there is any.

        Entries that wait are admitted into the room that this makes.
        """
        taken: list[T] = []
        room = max_bytes
        while self._entries and len(taken) < max_records:
            room -= self._entries[0].size
            if taken and room < 0:
                break
            taken.append(self._pop())
        self._admit_waiting()
        return tuple(taken)

    def holds(self, records: int, size: int) -> bool:
        """Whether `records` entries, `size` bytes or as much as fits into the queue are there."""
        return len(self._entries) >= records or self._size >= size or bool(self._waiting)

    def not_empty(self) -> Deferred[None]:
        """Fires when there is something to take, or when the queue is closed."""
        if self._entries or self._closed:
            return succeed(None)
        arrival: Deferred[None] = Deferred()
        self._arrival.append(arrival)
        return arrival

    def close(self) -> None:
        """Refuse every later `put`; what is queued or waiting can still be taken."""
        self._closed = True
        self._wake_takers()

    def drain(self) -> tuple[T, ...]:
        """Close, then remove and return everything, in order, with what waited for admission."""
        waiting, self._waiting = self._waiting, deque()
        left = (*self._entries, *(entry for entry, _ in waiting))
        self._entries.clear()
        self._size = 0
        self.close()
        for _, admitted in waiting:
            _refuse(admitted)
        return left

    def _has_room_for(self, entry: T) -> bool:
        if not self._entries:
            return True
        fits = self._size + entry.size <= self._max_bytes
        return fits and len(self._entries) < self._max_records

    def _admit(self, entry: T) -> None:
        self._entries.append(entry)
        self._size += entry.size

    def _pop(self) -> T:
        entry = self._entries.popleft()
        self._size -= entry.size
        return entry

    def _admit_waiting(self) -> None:
        admitted: list[Deferred[None]] = []
        while self._waiting and self._has_room_for(self._waiting[0][0]):
            entry, fired = self._waiting.popleft()
            self._admit(entry)
            admitted.append(fired)
        for fired in admitted:
            fired.callback(None)

    def _wake_takers(self) -> None:
        arrival, self._arrival = self._arrival, []
        for fired in arrival:
            fired.callback(None)


def _refuse(admitted: Deferred[None]) -> None:
    admitted.errback(QueueClosedError("the snapshot queue was closed before there was room"))
    # Whoever waits has the error now.  If nobody does, Twisted must not log it as unhandled.
    admitted.addErrback(lambda _: None)
