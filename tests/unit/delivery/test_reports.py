from __future__ import annotations

import pytest

from scrapy_snapshot_pipeline.delivery import reports
from scrapy_snapshot_pipeline.errors import BadDataError
from scrapy_snapshot_pipeline.records import Batch, DeliveryReport, Outcome, WriteResult
from tests.unit.fakes import make_record

RECORDS = make_record(1), make_record(2)
BATCH = Batch(RECORDS, attempt=3)


def test_a_stored_batch_has_the_outcome_of_each_record() -> None:
    """In the order of the batch, with its attempts and no error."""
    result = WriteResult((Outcome.INSERTED, Outcome.CONFIRMED))
    assert reports.stored(BATCH, result) == [
        DeliveryReport(RECORDS[0], Outcome.INSERTED, 3, None),
        DeliveryReport(RECORDS[1], Outcome.CONFIRMED, 3, None),
    ]


def test_a_batch_that_is_not_stored_has_one_outcome_and_its_error() -> None:
    """In the order of the batch, with its attempts."""
    error = BadDataError("too long")
    assert reports.not_stored(BATCH, Outcome.DROPPED, error) == [
        DeliveryReport(record, Outcome.DROPPED, 3, error) for record in RECORDS
    ]


@pytest.mark.parametrize("outcomes", [0, 1, 3])
def test_a_wrong_number_of_outcomes_is_named(outcomes: int) -> None:
    """The error says both numbers, and that the records may be stored."""
    error = reports.miscounted(BATCH, WriteResult((Outcome.INSERTED,) * outcomes))
    assert str(error) == f"the store gave {outcomes} outcomes for 2 records; possibly stored"
