"""Whether a failed write is tried again, and after how long: pure, with the chance handed in."""

from __future__ import annotations

from dataclasses import dataclass

from scrapy_snapshot_pipeline.errors import PermanentWriteError

# 2.0 ** 60 times any backoff is above any ceiling, and a float holds it.
_MAX_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Retries with exponential backoff and full jitter.

    Full jitter, so that many crawlers that failed together do not come back together.
    """

    times: int = 3
    """Attempts after the first; 0 never retries."""
    backoff: float = 1.0
    """Seconds; the longest sleep before the first retry, doubled for each one after it."""
    backoff_max: float = 15.0
    """Seconds; no sleep is longer."""

    def delay(self, attempt: int, chance: float) -> float | None:
        """Give the seconds to sleep after failed attempt number `attempt`; None: no more retry.

        Attempts count from 1.  `chance`, in [0, 1], is the share of the longest sleep.
        """
        if attempt > self.times:
            return None
        return chance * self.ceiling(attempt)

    def ceiling(self, attempt: int) -> float:
        """Give the longest sleep in seconds after failed attempt number `attempt`."""
        doublings = min(attempt - 1, _MAX_DOUBLINGS)
        return min(self.backoff_max, self.backoff * 2.0**doublings)


def is_retriable(error: BaseException) -> bool:
    """Say whether the same batch may succeed when it is sent again.

    An error that nobody classified may; a cancellation or an exit (no `Exception`) may not.
    """
    return isinstance(error, Exception) and not isinstance(error, PermanentWriteError)
