"""What is to be done about a failed write.  Pure: time and chance are handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from scrapy_snapshot_pipeline.errors import (
    ConflictError,
    ContentionError,
    FatalWriteError,
    OutageError,
    RetriableWriteError,
    SystemicError,
    TooSlowError,
)
from scrapy_snapshot_pipeline.settings import SnapshotSettings

# A power of two that a float holds, and that takes any backoff above any maximum.
_MAX_DOUBLINGS = 60

CONTENTION_BACKOFF = 0.02
"""Seconds; the longest sleep before the first retry after another writer was in the way."""
CONTENTION_BACKOFF_MAX = 1.0
"""Seconds; the longest sleep before any such retry."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the same batch again."""

    delay: float
    """Seconds to sleep before."""


@dataclass(frozen=True, slots=True)
class Split:
    """Send the batch in parts: one of its records is at fault, or the batch is too large."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Give up the only record of the batch, which is at fault."""


@dataclass(frozen=True, slots=True)
class OutageTooLong:
    """The database was away for as long as the crawl may wait for it."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the crawl: no record can be stored, and more would only fill the dead letters."""


Verdict: TypeAlias = Retry | Split | Reject | OutageTooLong | Stop


@dataclass(frozen=True, slots=True)
class FailureState:
    """What a batch has been through."""

    failures: int
    """Failures in a row with the present kind of error; at least 1."""
    elapsed: float
    """Seconds since the first of the failures that may go away by themselves."""
    records: int
    """The number of records in the batch."""


class FailureTracker:
    """Counts failures, and measures how long they have gone on."""

    def __init__(self) -> None:
        self._kind: type[BaseException] | None = None
        self._failures = 0
        self._since: float | None = None

    def failed(self, error: BaseException, now: float, records: int) -> FailureState:
        """Count a failure of a batch of `records` records at `now`, in seconds."""
        if type(error) is not self._kind:
            self._kind, self._failures = type(error), 0
        self._failures += 1
        if not isinstance(error, RetriableWriteError):
            self._since = None
            return FailureState(self._failures, 0.0, records)
        if self._since is None:
            self._since = now
        return FailureState(self._failures, now - self._since, records)

    def stored(self) -> None:
        """Forget everything, since a batch was committed."""
        self._since = None
        self.reset_failures()

    def reset_failures(self) -> None:
        """Give the next part attempts of its own, but go on measuring the outage."""
        self._kind, self._failures = None, 0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Retries with exponential backoff and full jitter, limited by their number or by a deadline.

    The jitter keeps crawlers that failed together from coming back together.
    """

    times: int = 3
    """Retries where the server answered; 0 never retries."""
    backoff: float = 1.0
    """Seconds; the longest sleep before the first retry, doubled for each further one."""
    backoff_max: float = 15.0
    """Seconds; no sleep is longer."""
    outage_timeout: float = 300.0
    """Seconds from the first failure to the last attempt of an outage."""

    @classmethod
    def from_settings(cls, settings: SnapshotSettings) -> RetryPolicy:
        """The user's."""
        return cls(
            settings.retry_times,
            settings.retry_backoff,
            settings.retry_backoff_max,
            settings.outage_timeout,
        )

    def decide(self, error: BaseException, state: FailureState, chance: float) -> Verdict:
        """What to do after `error`; `chance`, in [0, 1], is the share of the longest sleep.

        An error that nobody classified may be the fault of a record.  What is no `Exception`, such
        as a cancellation or an exit, never is.
        """
        if isinstance(error, FatalWriteError) or not isinstance(error, Exception):
            return Stop()
        if isinstance(error, ConflictError):
            return self._counted(state, chance, ContentionError) or _split_or_reject(state)
        if isinstance(error, RetriableWriteError):
            return self._until_deadline(error, state, chance)
        if isinstance(error, SystemicError):
            return self._counted(state, chance, OutageError) or Stop()
        if isinstance(error, TooSlowError) and state.records == 1:
            return self._counted(state, chance, OutageError) or Reject()
        return _split_or_reject(state)

    def _counted(
        self, state: FailureState, chance: float, pace: type[RetriableWriteError]
    ) -> Retry | None:
        if state.failures > self.times:
            return None
        return Retry(chance * self._longest_sleep(pace, state.failures))

    def _until_deadline(
        self, error: RetriableWriteError, state: FailureState, chance: float
    ) -> Verdict:
        left = self.outage_timeout - state.elapsed
        if left <= 0:
            return OutageTooLong()
        return Retry(min(left, chance * self._longest_sleep(type(error), state.failures)))

    def _longest_sleep(self, pace: type[RetriableWriteError], failures: int) -> float:
        if issubclass(pace, ContentionError):
            return _doubled(CONTENTION_BACKOFF, CONTENTION_BACKOFF_MAX, failures)
        return _doubled(self.backoff, self.backoff_max, failures)


def _split_or_reject(state: FailureState) -> Verdict:
    return Split() if state.records > 1 else Reject()


def _doubled(first: float, longest: float, failures: int) -> float:
    doublings = min(failures - 1, _MAX_DOUBLINGS)
    return min(longest, first * 2.0**doublings)
