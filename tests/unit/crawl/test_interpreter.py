"""The interpreter's settings while crawls run, and after the last of them."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from scrapy_snapshot_pipeline.crawl.interpreter import (
    SWITCH_INTERVAL,
    YOUNG_OBJECTS,
    _ProcessTuning,
)


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Restore the settings of the process that runs the tests."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


def now() -> tuple[tuple[int, int, int], float, bool]:
    """Thresholds, switch interval, and whether objects are exempt from collection."""
    return gc.get_threshold(), sys.getswitchinterval(), gc.get_freeze_count() > 0


def test_the_end_restores_what_was_before_the_first_of_two_crawls() -> None:
    """Whichever of them ends first."""
    before = now()
    tuning = _ProcessTuning()
    tuning.begin()
    tuned = now()
    tuning.begin()
    tuning.end()
    assert now() == tuned != before
    tuning.end()
    assert now() == before


def test_settings_of_the_user_that_go_further_stay() -> None:
    """A rarer collection and a shorter interval serve the same end."""
    gc.set_threshold(YOUNG_OBJECTS * 2, 11, 12)
    sys.setswitchinterval(SWITCH_INTERVAL / 2)
    before = now()
    _ProcessTuning().begin()
    assert now() == (*before[:2], True)


def test_a_collector_that_is_off_stays_off() -> None:
    """A threshold of 0 means never."""
    gc.set_threshold(0, 10, 10)
    _ProcessTuning().begin()
    assert gc.get_threshold()[0] == 0
