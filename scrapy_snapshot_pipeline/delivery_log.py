"""What delivery logs: counts, and the types of errors.

The text of an error that is not ours may quote a scraped value, so its type and the place that
raised it must do.
"""

from __future__ import annotations

import logging
import traceback

from scrapy_snapshot_pipeline.errors import WriteError
from scrapy_snapshot_pipeline.records import Batch

logger = logging.getLogger(__name__)


def will_retry(batch: Batch, error: BaseException, delay: float) -> None:
    """Tell of a failed attempt that is not the last; `delay` in seconds."""
    logger.warning(
        "Attempt %d to write %d records failed (%s); the next one in %.2f s",
        batch.attempt,
        len(batch.records),
        _describe(error),
        delay,
    )


def gave_up(batch: Batch, error: BaseException) -> None:
    """Tell of a batch whose last attempt failed."""
    logger.error(
        "%d records were not stored, attempts: %d; the last failed with %s",
        len(batch.records),
        batch.attempt,
        _describe(error),
    )


def answered_late(batch: Batch, *, stored: bool) -> None:
    """Tell what became of a batch after it had been given up."""
    outcome = "were stored after all" if stored else "failed to be stored"
    logger.warning("%d records that had been given up %s", len(batch.records), outcome)


def ran_out_of_time(pending: int) -> None:
    """Tell that the close has used up its time."""
    logger.error("Out of time at close; %d records have not been stored", pending)


def observer_failed(name: str, error: BaseException, times: int = 1) -> None:
    """Tell that one who was to be told of the delivery raised."""
    logger.error("The %r callback failed %d times, first with %s", name, times, _describe(error))


def loop_died(error: BaseException) -> None:
    """Tell of a bug of ours."""
    logger.critical("The delivery loop died of %s", _describe(error))


def _describe(error: BaseException) -> str:
    if isinstance(error, WriteError):
        return f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
