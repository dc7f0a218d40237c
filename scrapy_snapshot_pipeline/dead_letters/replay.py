"""Writes dead letters through the same store as a crawl does.

Records keep their ids, so a replay of what is stored already changes nothing.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scrapy_snapshot_pipeline.dead_letters.file import DoneFile, read_lines
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
from scrapy_snapshot_pipeline.evolution.rehash import Rehash
from scrapy_snapshot_pipeline.records import Batch, Outcome, SnapshotRecord, WriteResult

DAMAGED = "damaged"
"""Counted for lines that cannot be read."""
UNDECLARED = "undeclared"
"""Counted for records that fit no declaration."""

# An earlier attempt may have stored the record, so no attempt of a replay counts as the first.
_ATTEMPT = 2


@dataclass(frozen=True, slots=True)
class Way:
    """How the records of one form of the classes are written."""

    declarations: Mapping[str, Declaration]
    """By table."""
    write: Callable[[Batch], WriteResult]
    spool: Spool
    """Takes the records that fail again."""


@dataclass(frozen=True, slots=True)
class _Letter:
    """A record to replay."""

    record: SnapshotRecord
    way: Way
    checksum: str
    """The sha256 of its line."""


@dataclass(slots=True)
class Replay:
    """Replays files of dead letters, one after the other.  Blocks."""

    ways: Sequence[Way]
    """The first that fits is taken: that of the classes of today, then those of older ones."""
    policy: RetryPolicy
    batch_size: int
    sleep: Callable[[float], object]
    now: Callable[[], float]
    """Seconds, on a clock that never goes back."""
    chance: Callable[[], float]
    """A number in [0, 1], for the jitter of a retry."""
    on_lines_done: Callable[[int], object]
    """Called with the number of lines that have just been dealt with."""
    counts: Counter[str] = field(default_factory=Counter)
    """Lines by outcome, DAMAGED or UNDECLARED."""
    failures: FailureTracker = field(default_factory=FailureTracker)
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)

    def replay_file(self, path: Path) -> None:
        """Replay the lines of a file that no earlier replay has dealt with.

        Raises WriteError where nothing can be written to the database.  The lines that the `.done`
        file lists by then stay done; the others may be replayed later.
        """
        done = DoneFile(path)
        for batch in _batches(self._letters(path, done.read()), self.batch_size):
            for letters, outcomes in self._write_batch(batch):
                names = [outcome.value for outcome in outcomes]
                done.append(zip((letter.checksum for letter in letters), names, strict=True))
                self.counts.update(names)
                self.on_lines_done(len(letters))

    def _letters(self, path: Path, done: Mapping[str, str]) -> Iterator[_Letter]:
        for line in read_lines(path):
            checksum = checksum_of(line)
            if checksum in done:
                self.on_lines_done(1)
                continue
            found = self._record(line)
            if isinstance(found, str):
                self.counts[found] += 1
                self.on_lines_done(1)
            else:
                yield _Letter(*found, checksum)

    def _record(self, line: bytes) -> tuple[SnapshotRecord, Way] | str:
        """The record and how it is written, or what is wrong with the line."""
        try:
            fields = read_fields(line)
        except DeadLetterError:
            return DAMAGED
        for way in self.ways:
            with contextlib.suppress(DeadLetterError, KeyError):
                declaration = way.declarations[fields["table"]]
                record = decode(fields, declaration).record
                # Another class of the same columns may track others of them.
                return Rehash(declaration).record(record), way
        return UNDECLARED

    def _write_batch(
        self, batch: tuple[_Letter, ...]
    ) -> Iterator[tuple[tuple[_Letter, ...], Sequence[Outcome]]]:
        """Write a batch, in parts where that fails; gives each part with its outcomes."""
        bisection = Bisection(len(batch))
        parts = deque([batch])
        while parts:
            part = parts.popleft()
            written = self._write_part(part)
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

    def _write_part(self, part: tuple[_Letter, ...]) -> WriteResult | WriteError:
        """Write with retries; gives the error if one of the records is bad.

        Raises WriteError if it is the database that is at fault.
        """
        batch = Batch(tuple(letter.record for letter in part), _ATTEMPT)
        while True:
            try:
                return part[0].way.write(batch)
            except WriteError as error:
                state = self.failures.failed(error, self.now(), len(part))
                verdict = self.policy.decide(error, state, self.chance())
                if isinstance(verdict, Split | Reject):
                    self.failures.reset_failures()
                    return error
                if not isinstance(verdict, Retry):
                    raise
            self.sleep(verdict.delay)

    def _reject(self, part: tuple[_Letter, ...], error: WriteError) -> None:
        if self.breaker.rejected(type(error), error.cause):
            raise FatalWriteError(
                f"one record after the other fails alike, so the table must be the cause: {error}"
            )
        part[0].way.spool((part[0].record,), error, _ATTEMPT, possibly_stored=False)


def checksum_of(line: bytes) -> str:
    """The sha256 at the end of a line; for a damaged line, the characters that stand there."""
    return line.rstrip(b"\n")[-66:-2].decode("ascii", "replace")


def _batches(letters: Iterable[_Letter], size: int) -> Iterator[tuple[_Letter, ...]]:
    for _, of_way in itertools.groupby(letters, key=lambda letter: id(letter.way)):
        while batch := tuple(itertools.islice(of_way, size)):
            yield batch
