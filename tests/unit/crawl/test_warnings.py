"""What is said once, and in which words."""

from __future__ import annotations

import datetime as dt
import logging

import pytest
from scrapy.settings import Settings

from scrapy_snapshot_pipeline.crawl.warnings import CrawlWarnings, warn_of_http_cache
from scrapy_snapshot_pipeline.records import WriteResult
from tests.unit.fakes import START


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Take notes."""
    caplog.set_level(logging.WARNING)
    return caplog


def make_warnings() -> CrawlWarnings:
    """Of a crawl at START, all of whose tables have the same key."""
    return CrawlWarnings(lambda _: ("shop", "sku"), lambda: START)


def test_a_key_that_is_not_unique_is_warned_of_once_a_table(
    said: pytest.LogCaptureFixture,
) -> None:
    """With the names of its fields."""
    warnings = make_warnings()
    for conflicts in ({}, {"offer": 1}, {"offer": 2, "book": 1}):
        warnings.committed(WriteResult((), conflicts=conflicts))
    offer, book = said.messages
    assert offer.startswith("Table offer: one entity was seen with different contents")
    assert "the key (shop, sku) is not unique" in offer
    assert "snapshots/conflicts" in offer
    assert book.startswith("Table book:")


def test_a_clock_that_is_ahead_is_warned_of_once_a_run(said: pytest.LogCaptureFixture) -> None:
    """With the latest stored time, and the time here."""
    warnings = make_warnings()
    years = [START.replace(year=year) for year in (2025, 2026, 2025)]
    for ahead in ((), tuple(years), (years[1] + dt.timedelta(1),)):
        warnings.committed(WriteResult((), ahead=ahead))
    [line] = said.messages
    assert "last confirmed at 2026-01-01 00:00:00+00:00" in line
    assert "the clock here says 2024-01-01 00:00:00+00:00" in line


@pytest.mark.parametrize(("value", "lines"), [(True, 1), ("1", 1), (False, 0)])
def test_cached_pages_are_warned_of(
    said: pytest.LogCaptureFixture, value: object, lines: int
) -> None:
    """Nobody looked at them now."""
    warn_of_http_cache(Settings({"HTTPCACHE_ENABLED": value}))
    assert len(said.messages) == lines
    assert all("HTTPCACHE_ENABLED" in line for line in said.messages)
