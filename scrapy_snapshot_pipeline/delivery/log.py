"""What the delivery logs: counts, and the types of errors.

The text of an error that is not ours may quote a scraped value.  Only its type and the place that
raised it are logged.
"""

from __future__ import annotations

import logging
import traceback

from scrapy_snapshot_pipeline.errors import SnapshotError
from scrapy_snapshot_pipeline.records import Batch

logger = logging.getLogger(__name__)


def will_retry(batch: Batch, error: BaseException, delay: float) -> None:
    """Log an attempt that failed and is repeated after `delay` seconds."""
    logger.warning(
        "Attempt %d to write %d records failed (%s); the next one follows in %.2f s",
        batch.attempt,
        len(batch.records),
        _describe(error),
        delay,
    )


def will_split(batch: Batch, error: BaseException) -> None:
    """Log that a batch is written in parts."""
    logger.info("Splitting a batch of %d records (%s)", len(batch.records), _describe(error))


def gave_up(pending: int, error: BaseException, reason: str) -> None:
    """Log that nothing more is stored; `reason` is the finish reason of the crawl."""
    logger.critical(
        "The crawl is stopped (%s) and nothing more is stored; %d records go to the dead letters; "
        "fix the cause, then run `scrapy snapshots replay`; the last error was %s",
        reason,
        pending,
        _describe(error),
    )


def dead_lettered(batch: Batch, error: BaseException) -> None:
    """Log records that are in the dead letters."""
    logger.error(
        "%d records were not stored and are in the dead letters; attempts: %d (%s)",
        len(batch.records),
        batch.attempt,
        _describe(error),
    )


def dropped(batch: Batch, error: BaseException) -> None:
    """Log records that were refused and, as SNAPSHOT_ON_REJECT says, not kept."""
    logger.error("%d records were refused and dropped (%s)", len(batch.records), _describe(error))


def lost(batch: Batch, error: BaseException) -> None:
    """Log the ids of records that are neither stored nor in the dead letters, as a last resort."""
    logger.critical("%d records are lost: %s", len(batch.records), _describe(error))
    for record in batch.records:
        logger.critical(
            "Lost: table %s, entity %s, snapshot %d, content %s",
            record.table,
            record.entity_id.hex(),
            record.snapshot_id,
            record.content_hash.hex(),
        )


def answered_late(batch: Batch, *, stored: bool) -> None:
    """Log the outcome of a batch that had been given up before the database answered."""
    outcome = "were stored after all" if stored else "were not stored"
    logger.warning("%d records that had been given up %s", len(batch.records), outcome)


def ran_out_of_time(pending: int) -> None:
    """Log that the time for the close is used up."""
    logger.critical(
        "The close ran out of time; %d records are not stored and go to the dead letters", pending
    )


def callback_failed(name: str, error: BaseException) -> None:
    """Log that a listener raised."""
    logger.error("The %r callback failed with %s", name, _describe(error))


def loop_died(error: BaseException) -> None:
    """Log a bug of ours."""
    logger.critical("The delivery loop died of %s", _describe(error))


def _describe(error: BaseException) -> str:
    if isinstance(error, SnapshotError):
        return f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
