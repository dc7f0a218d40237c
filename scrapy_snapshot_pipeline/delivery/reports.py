"""The delivery reports of a whole batch.  Pure."""

from __future__ import annotations

from scrapy_snapshot_pipeline.errors import WriteError
from scrapy_snapshot_pipeline.records import Batch, DeliveryReport, Outcome, WriteResult


def stored(batch: Batch, result: WriteResult) -> list[DeliveryReport]:
    """Report a batch that was committed, in its order."""
    return [
        DeliveryReport(record, outcome, batch.attempt)
        for record, outcome in zip(batch.records, result.outcomes, strict=True)
    ]


def not_stored(batch: Batch, outcome: Outcome, error: BaseException) -> list[DeliveryReport]:
    """Report a batch that was given up, in its order."""
    return [DeliveryReport(record, outcome, batch.attempt, error) for record in batch.records]


def miscounted(batch: Batch, result: WriteResult) -> WriteError:
    """The error where a store does not give one outcome for each record.

    This is a bug of the store: nobody can say which outcome belongs to which record.
    """
    expected, got = len(batch.records), len(result.outcomes)
    return WriteError(f"the store gave {got} outcomes for {expected} records; possibly stored")
