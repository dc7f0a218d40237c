"""Writes dead letters through the same store as the crawl, with the same ids: twice is no harm."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scrapy_snapshot_pipeline.dead_letters.file import DoneFile, lines_of
from scrapy_snapshot_pipeline.dead_letters.format import decode, read_fields
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.delivery.bisect import Bisection, CircuitBreaker
from scrapy_snapshot_pipeline.delivery.ports import Spool
from scrapy_snapshot_pipeline.delivery.retry import (
    FailureTracker,
    Reject,
    Retry,
    RetryPolicy,
    Split,
)
from scrapy_snapshot_pipeline.errors import DeadLetterError, FatalWriteError, WriteError
from scrapy_snapshot_pipeline.records import Batch, Outcome, SnapshotRecord, WriteResult

DAMAGED = "damaged"
UNKNOWN = "undeclared"
"""What is counted beside outcomes: lines that cannot be read, and records that fit no class."""

# Nobody knows whether an earlier attempt has stored it, so none is ever the first.
_ATTEMPT = 2


@dataclass(frozen=True, slots=True)
class Letter:
    """A line that waits to be replayed."""

    record: SnapshotRecord
    seal: str
    """Its sha256."""


@dataclass(slots=True)
class Replay:
    """Replays files, one after the other.  Blocks."""

    write: Callable[[Batch], WriteResult]
    declarations: Mapping[str, Declaration]
    """By table."""
    spool: Spool
    """Where records go that fail again."""
    policy: RetryPolicy
    batch_size: int
    sleep: Callable[[float], object]
    now: Callable[[], float]
    """Seconds, on a clock that never goes back."""
    chance: Callable[[], float]
    advanced: Callable[[int], object]
    """Told of so many lines that are dealt with."""
    counts: Counter[str] = field(default_factory=Counter)
    """Lines by outcome, DAMAGED or UNKNOWN."""
    failures: FailureTracker = field(default_factory=FailureTracker)
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)

    def file(self, path: Path) -> None:
        """Replay the lines of a file that no earlier replay has dealt with.

        Raises WriteError where the database cannot be written at all: what is noted in the
        `.done` file by then stays done, and the rest may be replayed later.
        """
        done = DoneFile(path)
        for batch in _batches(self._letters(path, done.read()), self.batch_size):
            for letters, outcomes in self._parts(batch):
                named = [outcome.value for outcome in outcomes]
                done.append(zip((one.seal for one in letters), named, strict=True))
                self.counts.update(named)
                self.advanced(len(letters))

    def _letters(self, path: Path, done: Mapping[str, str]) -> Iterator[Letter]:
        for line in lines_of(path):
            seal = seal_of(line)
            if seal in done:
                self.advanced(1)
                continue
            record = self._record(line)
            if record is not None:
                yield Letter(record, seal)

    def _record(self, line: bytes) -> SnapshotRecord | None:
        problem = DAMAGED
        try:
            fields = read_fields(line)
            problem = UNKNOWN
            return decode(fields, self.declarations[fields["table"]]).record
        except (DeadLetterError, KeyError):
            self.counts[problem] += 1
            self.advanced(1)
            return None

    def _parts(
        self, batch: tuple[Letter, ...]
    ) -> Iterator[tuple[tuple[Letter, ...], Sequence[Outcome]]]:
        bisection = Bisection(len(batch))
        parts = deque([batch])
        while parts:
            part = parts.popleft()
            written = self._written(part)
            if isinstance(written, WriteResult):
                self.failures.stored()
                self.breaker.stored(len(part))
                yield part, written.outcomes
            elif len(part) > 1:
                parts.extendleft(reversed(bisection.split(part)))
            else:
                self._reject(part, written)
                bisection.found_bad()
                yield part, [Outcome.DEAD_LETTERED]

    def _written(self, part: tuple[Letter, ...]) -> WriteResult | WriteError:
        """The result, or the error that says that a record in it is bad."""
        batch = Batch(tuple(letter.record for letter in part), _ATTEMPT)
        while True:
            try:
                return self.write(batch)
            except WriteError as error:
                state = self.failures.failed(error, self.now(), len(part))
                verdict = self.policy.decide(error, state, self.chance())
                if isinstance(verdict, Split | Reject):
                    self.failures.reset_failures()
                    return error
                if not isinstance(verdict, Retry):
                    raise
            self.sleep(verdict.delay)

    def _reject(self, part: tuple[Letter, ...], error: WriteError) -> None:
        if self.breaker.rejected(type(error), error.cause):
            raise FatalWriteError(f"so many records fail alike that the table must be: {error}")
        self.spool((part[0].record,), error, _ATTEMPT, possibly_stored=False)


def seal_of(line: bytes) -> str:
    """The sha256 at the end of a line; of a damaged one, whatever stands there."""
    return line.rstrip(b"\n")[-66:-2].decode("ascii", "replace")


def _batches(letters: Iterable[Letter], most: int) -> Iterator[tuple[Letter, ...]]:
    batch: list[Letter] = []
    for letter in letters:
        batch.append(letter)
        if len(batch) == most:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)
