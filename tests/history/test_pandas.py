"""Answers as data frames, with a real pandas."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scrapy_snapshot_pipeline.history import SnapshotHistory
from tests.history import odds
from tests.history.odds import CLOSING, OPENING, STARTS, TABLE

pytest.importorskip("pandas", reason="an extra of 60 MB; tox envs `min` and `data` have it")


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


def test_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of docs/sql.md give a frame of the changes, with times as times."""
    odds.store_odds(f"sqlite:///{tmp_path / 'snapshots.db'}")
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).resolve().parents[2] / "docs/sql.md").read_text(encoding="utf-8")

    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        names: dict[str, Any] = {}
        exec(block, names)  # noqa: S102 - our own page
        assert len(names["changes"]) > 1000
        assert "UTC" in str(names["changes"]["changed_at"].dtype)
        if "connection" in names:
            names["connection"].close()
