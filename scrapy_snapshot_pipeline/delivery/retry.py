"""What is to be done about a failed write: pure, with the time and the chance handed in."""

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

# 2.0 ** 60 times any backoff is above any ceiling, and a float holds it.
_MAX_DOUBLINGS = 60

CONTENTION_BACKOFF = 0.02
"""Seconds; the longest sleep before the first retry against another writer."""
CONTENTION_BACKOFF_MAX = 1.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the same batch again after so many seconds."""

    delay: float


@dataclass(frozen=True, slots=True)
class Split:
    """Send the batch in parts: one of its records is at fault, or it is too large."""


@dataclass(frozen=True, slots=True)
class Reject:
    """The one record left is at fault; it alone is given up."""


@dataclass(frozen=True, slots=True)
class Outlasted:
    """The database was away for as long as the crawl may wait for it."""


@dataclass(frozen=True, slots=True)
class Stop:
    """No record can be stored; going on would only fill the dead letters."""


Verdict: TypeAlias = Retry | Split | Reject | Outlasted | Stop


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a batch has been through since the last commit."""

    failures: int
    """Failures with the present kind of error, in a row; at least 1."""
    elapsed: float
    """Seconds since the first failure that might go away by itself."""
    records: int
    """How many are in the batch."""


class Troubles:
    """Keeps count of the failures since the last good answer."""

    def __init__(self) -> None:
        self._kind: type[BaseException] | None = None
        self._failures = 0
        self._since: float | None = None

    def failed(self, error: BaseException, now: float, records: int) -> Trouble:
        """Count a failure of a batch of so many records; `now` is in seconds."""
        if type(error) is not self._kind:
            self._kind, self._failures = type(error), 0
        self._failures += 1
        if not isinstance(error, RetriableWriteError):
            self._since = None
            return Trouble(self._failures, 0.0, records)
        if self._since is None:
            self._since = now
        return Trouble(self._failures, now - self._since, records)

    def stored(self) -> None:
        """Forget everything: a batch was committed."""
        self._since = None
        self.smaller()

    def smaller(self) -> None:
        """Forget the failures of a batch that is split: its parts have tries of their own."""
        self._kind, self._failures = None, 0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Retries with exponential backoff and full jitter, by count or by deadline.

    Full jitter, so that many crawlers that failed together do not come back together.
    """

    times: int = 3
    """Attempts after the first where the server answered; 0 never retries."""
    backoff: float = 1.0
    """Seconds; the longest sleep before the first retry, doubled for each one after it."""
    backoff_max: float = 15.0
    """Seconds; no sleep is longer."""
    outage_timeout: float = 300.0
    """Seconds from the first failure; the last attempt of an outage is made then."""

    def decide(self, error: BaseException, trouble: Trouble, chance: float) -> Verdict:
        """What to do after `error`.  `chance`, in [0, 1], is the share of the longest sleep.

        An error that nobody classified may be the fault of a record; what is no `Exception`, a
        cancellation or an exit, is none.
        """
        if isinstance(error, FatalWriteError) or not isinstance(error, Exception):
            return Stop()
        if isinstance(error, ConflictError):
            return self._counted(trouble, chance, ContentionError) or _isolate(trouble)
        if isinstance(error, RetriableWriteError):
            return self._until_deadline(error, trouble, chance)
        if isinstance(error, SystemicError):
            return self._counted(trouble, chance, OutageError) or Stop()
        if isinstance(error, TooSlowError) and trouble.records == 1:
            return self._counted(trouble, chance, OutageError) or Reject()
        return _isolate(trouble)

    def delay(self, attempt: int, chance: float) -> float | None:
        """Give the seconds to sleep after failed attempt number `attempt`; None: no more retry.

        Attempts count from 1.
        """
        if attempt > self.times:
            return None
        return chance * self.ceiling(attempt)

    def ceiling(self, attempt: int) -> float:
        """Give the longest sleep in seconds after failed attempt number `attempt`."""
        return _ceiling(attempt, self.backoff, self.backoff_max)

    def _counted(
        self, trouble: Trouble, chance: float, pace: type[RetriableWriteError]
    ) -> Retry | None:
        if trouble.failures > self.times:
            return None
        return Retry(chance * self._longest(pace, trouble.failures))

    def _until_deadline(
        self, error: RetriableWriteError, trouble: Trouble, chance: float
    ) -> Verdict:
        left = self.outage_timeout - trouble.elapsed
        if left <= 0:
            return Outlasted()
        return Retry(min(left, chance * self._longest(type(error), trouble.failures)))

    def _longest(self, pace: type[RetriableWriteError], failures: int) -> float:
        if issubclass(pace, ContentionError):
            return _ceiling(failures, CONTENTION_BACKOFF, CONTENTION_BACKOFF_MAX)
        return self.ceiling(failures)


def _isolate(trouble: Trouble) -> Verdict:
    return Split() if trouble.records > 1 else Reject()


def _ceiling(attempt: int, backoff: float, longest: float) -> float:
    doublings = min(attempt - 1, _MAX_DOUBLINGS)
    return min(longest, backoff * 2.0**doublings)
