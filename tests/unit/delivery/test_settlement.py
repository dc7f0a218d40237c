from __future__ import annotations

import pytest

from scrapy_snapshot_pipeline.delivery.ports import NO_DEAD_LETTERS
from scrapy_snapshot_pipeline.errors import BadDataError, WriteError
from scrapy_snapshot_pipeline.records import WriteResult
from tests.unit.delivery.rig import (
    DEAD_LETTERED,
    FAILED,
    INSERTED,
    SCRAPED,
    ClumsyRig,
    DeliveryRig,
    rig_asleep,
    rig_in_flight,
)


class ShortStore(DeliveryRig):
    """A store that commits, but gives too few outcomes."""

    def __init__(self) -> None:
        super().__init__()
        self.worker._work = lambda _: WriteResult(())


def test_a_record_that_cannot_be_dead_lettered_either_is_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its ids are logged, and the crawl stops."""
    rig = rig_in_flight(BadDataError("too long"))
    rig.spool_is_full = True
    rig.worker.step()
    assert rig.outcomes == [(1, FAILED, 1)]
    assert rig.stop_reasons == [NO_DEAD_LETTERS]
    assert "Lost: table odds, entity 00000000000000000000000000000001, snapshot 1" in caplog.text


def test_exceptions_after_the_commit_do_not_write_again(caplog: pytest.LogCaptureFixture) -> None:
    """Only the write itself is retried: there is one commit, all reports, and the loop goes on."""
    rig = ClumsyRig(batch_size=2)
    submissions = rig.submit(1, 2, 3)
    rig.worker.step()
    rig.worker.step()
    assert len(rig.store.written) == 2
    assert rig.outcomes == [(1, INSERTED, 1), (2, INSERTED, 1), (3, INSERTED, 1)]
    assert all(one.delivered.called for one in submissions)
    assert "'reported' callback failed with KeyError at " in caplog.text
    assert "'committed' callback failed with ValueError at " in caplog.text
    assert SCRAPED not in caplog.text


def test_the_watcher_hears_of_a_commit_once_a_batch() -> None:
    """It gets the batch with the attempt that was committed."""
    rig = rig_asleep()
    rig.clock.advance(1.0)
    rig.worker.step()
    assert [batch.attempt for batch in rig.batches] == [2]


def test_too_few_outcomes_are_no_reason_to_write_again() -> None:
    """The store has committed, and to send them again would not show which record is which."""
    rig = ShortStore()
    rig.submit(1)
    rig.linger()
    rig.worker.step()
    assert rig.outcomes == [(1, DEAD_LETTERED, 1)]
    assert isinstance(rig.reports[0].error, WriteError)
    assert [one.possibly_stored for one in rig.spooled] == [True]
    assert rig.held == []
