"""Cursors of answers that are not read to their end."""

from __future__ import annotations

import gc

import pytest

from scrapy_snapshot_pipeline.history import SnapshotHistory
from tests.history.filled import TABLE, Observation, fill


def test_abandoned_answer_closes_its_cursors_first(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader who stops early leaves nothing open, and nothing is logged about it."""
    fill(database_url, [Observation("a", second, second, {"x": second}) for second in range(3)])
    with SnapshotHistory(database_url) as history:
        iterator = iter(history.changes(TABLE))
        next(iterator)
        del iterator
        gc.collect()
    assert not caplog.records
