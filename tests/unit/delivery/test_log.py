"""What a crawl's log shows of a delivery; other tests read the lines of what they cover."""

from __future__ import annotations

import pytest

from scrapy_snapshot_pipeline.errors import FatalWriteError
from tests.unit.delivery.rig import SCRAPED, rig_in_flight


def test_only_the_type_of_a_foreign_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Its text may quote a scraped value; the texts of our own errors never do."""
    rig = rig_in_flight(RuntimeError(SCRAPED))
    rig.worker.step()
    rig = rig_in_flight(FatalWriteError("no table odds"))
    rig.worker.step()
    assert SCRAPED not in caplog.text
    assert "RuntimeError at " in caplog.text
    assert "FatalWriteError: no table odds" in caplog.text
