"""Answers as data frames, with a real pandas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scrapy_snapshot_pipeline import snapshot
from scrapy_snapshot_pipeline.history import SnapshotHistory
from tests.history import odds
from tests.history.items import store_all
from tests.history.odds import CLOSING, OPENING, STARTS, TABLE

pytest.importorskip("pandas", reason="an extra of 60 MB; tox envs `min` and `data` have it")

UTC = timezone.utc


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


def test_answer_without_results_has_its_columns(sqlite_url: str) -> None:
    """No row, and no error where one goes on with them."""
    odds.store_odds(sqlite_url)
    with SnapshotHistory(sqlite_url) as history:
        frame = history.changes(TABLE, since=odds.seen_at(CLOSING, 10**9)).to_pandas()
        full = history.changes(TABLE).to_pandas()
    assert len(frame) == 0
    assert frame.dtypes.to_dict() == full.dtypes.to_dict()


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


@snapshot(key="id")
@dataclass
class Everything:
    """A field of each kind of column."""

    id: int
    large: int | None = None
    ratio: float | None = None
    sold: bool | None = None
    name: str | None = None
    amount: Decimal | None = None
    day: date | None = None
    seen: datetime | None = None


DTYPES = {
    "id": "Int64",
    "large": "Int64",
    "ratio": "float64",
    "sold": "boolean",
    "name": "string",
    "amount": "object",
    "day": "object",
    "seen": "datetime64[us, UTC]",
    "changed_at": "datetime64[us, UTC]",
    "valid_to": "datetime64[us, UTC]",
    "run_id": "object",
}
LARGE = 2**63 - 1


def test_types_follow_the_declaration_and_not_the_values(database_url: str) -> None:
    """With no value, with none that is None, and with both; integers of 64 bits stay exact."""
    filled = Everything(
        2, LARGE, 0.5, True, "", Decimal("1.10"), date(1, 1, 1), datetime(9999, 1, 1, tzinfo=UTC)
    )
    frames = []
    for name, items in (("none", []), ("empty", [Everything(1)]), ("both", [filled])):
        store_all(database_url, Everything, items)
        with SnapshotHistory(database_url) as history:
            frame = history.current("everything").to_pandas()
        frames.append(frame)
        found = {column: str(frame[column].dtype) for column in DTYPES}
        assert found == DTYPES, name
    both = frames[-1].set_index("id")
    assert both.loc[2, "large"] == LARGE
    assert both["large"].isna().to_dict() == {1: True, 2: False}
    assert both.loc[2, "amount"] == Decimal("1.10")
    assert both.loc[2, "name"] == ""
    assert both["name"].isna().to_dict() == {1: True, 2: False}


def test_old_and_new_value_of_a_change_stay_what_they_are(sqlite_url: str) -> None:
    """Also where all that changed are integers, beside which a None makes floats elsewhere."""
    for large in (None, LARGE, LARGE - 1):
        store_all(sqlite_url, Everything, [Everything(1, large)])
    with SnapshotHistory(sqlite_url) as history:
        frame = history.changes("everything").to_pandas()
    assert frame[frame["field"] == "large"]["new"].tolist() == [LARGE - 1, LARGE]
    assert str(frame["key.id"].dtype) == "Int64"


def test_fields_without_types_have_the_type_of_their_values(sqlite_url: str) -> None:
    """As far as nothing is lost; a mixture stays as it is."""
    items = [{"url": "a", "n": LARGE, "x": 1, "s": "t"}, {"url": "b", "n": None, "x": 0.5}]
    store_all(sqlite_url, dict, items)
    with SnapshotHistory(sqlite_url) as history:
        frame = history.current("book").to_pandas().set_index("url")
    dtypes = {name: str(frame[name].dtype) for name in ("n", "x", "s", "valid_to")}
    assert dtypes == {"n": "Int64", "x": "object", "s": "string", "valid_to": DTYPES["valid_to"]}
    assert frame.loc["a", "n"] == LARGE
