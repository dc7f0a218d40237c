"""How an item ends that was not stored: what its error says, and what Scrapy logs of it."""

from __future__ import annotations

import logging
from logging import LogRecord

from scrapy.exceptions import DropItem

from scrapy_snapshot_pipeline.errors import CaptureError, NotStoredError, SnapshotError
from scrapy_snapshot_pipeline.records import NOT_STORED, DeliveryReport, Outcome

logger = logging.getLogger(__name__)

_SCRAPER = logging.getLogger("scrapy.core.scraper")
"""Where Scrapy logs an item that raised in a pipeline: its repr, and a traceback."""


def raise_if_not_stored(report: DeliveryReport) -> None:
    """Raise NotStoredError, or DropItem, if a record is not in the database."""
    if report.outcome not in NOT_STORED:
        return
    text = f"a record of table {report.record.table} was not stored: {_text_of(report.error)}"
    if report.outcome is Outcome.DROPPED:
        raise DropItem(text)
    kept = "; it is in the dead letters" if report.outcome is Outcome.DEAD_LETTERED else ""
    raise NotStoredError(text + kept)


def log_rejection(error: CaptureError) -> None:
    """One line for an item that cannot become a record; it names class, field and reason."""
    logger.error("Item rejected: %s", error)


class QuietItemErrors(logging.Filter):
    """Keeps Scrapy from logging our own errors of items once more, each with a traceback.

    We have logged them: a rejection in a line, records that were not stored in a line a batch.
    When an outage ends thousands of items at once, writing megabytes of tracebacks would outlast
    the time for closing.  Scrapy sends its signal `item_error` all the same.
    """

    def begin(self) -> None:
        """Start filtering; the crawls of one process share Scrapy's logger."""
        _SCRAPER.addFilter(self)

    def end(self) -> None:
        """Stop filtering."""
        _SCRAPER.removeFilter(self)

    def filter(self, record: LogRecord) -> bool:
        """Whether Scrapy's record is to be logged."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        return not isinstance(error, CaptureError | NotStoredError)


def _text_of(error: BaseException | None) -> str:
    # The text of an error that is not ours may quote a scraped value.
    return str(error) if isinstance(error, SnapshotError) else type(error).__name__
