"""Fakes that a test steps: a clock that it turns, a store that follows its script."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from scrapy_snapshot_pipeline.reactor.timers import CallLater
from scrapy_snapshot_pipeline.records import Batch, Outcome, SnapshotRecord, WriteResult

RUN_ID = uuid.UUID(int=1)
START = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)


def make_record(number: int = 0, *, entity: int = 0, size: int = 1) -> SnapshotRecord:
    """Make a record whose `snapshot_id` is `number`, observed `number` seconds after START."""
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


class ScriptedStore:
    """Commits every batch, unless the script says otherwise.

    Each entry of `script` is for one write: an exception to raise, or None to commit.  `refused`
    has exceptions by the number of a record; a batch with that record raises it.
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


# The type checker proves here that the fake clock fits what is asked of a real one.
_FITS: CallLater = ManualClock().call_later
