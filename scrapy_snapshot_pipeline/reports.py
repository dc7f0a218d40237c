"""The delivery reports of a whole batch, from the store's one answer: pure."""

from __future__ import annotations

from scrapy_snapshot_pipeline.errors import WriteError
from scrapy_snapshot_pipeline.records import Batch, DeliveryReport, Outcome, WriteResult


def stored(batch: Batch, result: WriteResult) -> list[DeliveryReport]:
    """Report a committed batch, in its order.

    All FAILED if the store did not give one outcome a record: a bug of the store, and nobody can
    say which record is which.
    """
    expected, got = len(batch.records), len(result.outcomes)
    if expected != got:
        error = WriteError(f"the store gave {got} outcomes for {expected} records; possibly stored")
        return failed(batch, error)
    return [
        DeliveryReport(record, outcome, batch.attempt)
        for record, outcome in zip(batch.records, result.outcomes, strict=True)
    ]


def failed(batch: Batch, error: BaseException) -> list[DeliveryReport]:
    """Report a batch that was given up, in its order."""
    return [
        DeliveryReport(record, Outcome.FAILED, batch.attempt, error) for record in batch.records
    ]
