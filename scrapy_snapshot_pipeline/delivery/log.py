"""What delivery logs: counts, and the types of errors.

The text of an error that is not ours may quote a scraped value, so its type and the place that
raised it must do.
"""

from __future__ import annotations

import logging
import traceback

from scrapy_snapshot_pipeline.errors import SnapshotError
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


def will_split(batch: Batch, error: BaseException) -> None:
    """Tell of a batch that will be written in parts."""
    logger.info("Splitting a batch of %d records (%s)", len(batch.records), _describe(error))


def gave_up(pending: int, error: BaseException, reason: str) -> None:
    """Tell that nothing will be stored any more; `reason` is the finish reason of the crawl."""
    logger.critical(
        "The crawl is stopped (%s) and nothing more is stored; %d records go to the dead letters; "
        "see to the database, then run `scrapy snapshots replay`; the last error was %s",
        reason,
        pending,
        _describe(error),
    )


def kept(batch: Batch, error: BaseException) -> None:
    """Tell of records that are in the dead letters."""
    logger.error(
        "%d records were not stored and are in the dead letters, attempts: %d (%s)",
        len(batch.records),
        batch.attempt,
        _describe(error),
    )


def dropped(batch: Batch, error: BaseException) -> None:
    """Tell of records that are gone because SNAPSHOT_ON_REJECT says so."""
    logger.error("%d records were refused and dropped (%s)", len(batch.records), _describe(error))


def lost(batch: Batch, error: BaseException) -> None:
    """Name the records that are neither stored nor kept, by their ids: the last resort."""
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
    """Tell what became of a batch after it had been given up."""
    outcome = "were stored after all" if stored else "failed to be stored"
    logger.warning("%d records that had been given up %s", len(batch.records), outcome)


def ran_out_of_time(pending: int) -> None:
    """Tell that the close has used up its time."""
    logger.critical(
        "Out of time at close; %d records have not been stored and go to the dead letters", pending
    )


def watcher_failed(name: str, error: BaseException) -> None:
    """Tell that one who was to be told of the delivery raised."""
    logger.error("The %r callback failed with %s", name, _describe(error))


def loop_died(error: BaseException) -> None:
    """Tell of a bug of ours."""
    logger.critical("The delivery loop died of %s", _describe(error))


def _describe(error: BaseException) -> str:
    if isinstance(error, SnapshotError):
        return f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
