"""Answers as data frames, with a real pandas."""

from __future__ import annotations

from decimal import Decimal

import pytest

from scrapy_snapshot_pipeline.history import SnapshotHistory
from tests.history import odds
from tests.history.odds import CLOSING, OPENING, STARTS, TABLE

pytest.importorskip("pandas", reason="an extra of 60 MB; tox env `min` and `pandas` have it")


def test_every_answer_is_a_frame_with_its_rows(sqlite_url: str) -> None:
    """As many rows as the answer has, times with their zone, decimals exact."""
    odds.store_odds(sqlite_url)
    with SnapshotHistory(sqlite_url) as history:
        key = next(iter(history.current(TABLE))).key
        answers = (
            history.runs(),
            history.current(TABLE),
            history.versions(TABLE, key),
            history.changes(TABLE, since=CLOSING),
            history.diff(TABLE, OPENING, CLOSING),
            history.movers(TABLE, "markets.price_home", since=STARTS[CLOSING]),
            history.statistics(TABLE, "markets.price_home", until=STARTS[CLOSING]),
            history.steps(TABLE, key, "markets.price_home"),
        )
        for answer in answers:
            assert len(answer.to_pandas()) == len(list(answer.rows())) > 0
        movers = answers[5].to_pandas()
    assert str(movers["changed_at"].dt.tz) == "UTC"
    assert isinstance(movers["new"][0], Decimal)
    assert movers["relative"].dtype == "float64"


def test_answer_without_results_is_an_empty_frame(sqlite_url: str) -> None:
    """No row, and no error."""
    odds.store_odds(sqlite_url)
    with SnapshotHistory(sqlite_url) as history:
        assert history.changes(TABLE, since=odds.seen_at(CLOSING, 10**9)).to_pandas().empty
