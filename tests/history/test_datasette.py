"""The SQLite file in Datasette, as docs/sql.md shows it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest

from scrapy_snapshot_pipeline.history import SnapshotHistory
from tests.history.odds import TABLE, store_odds
from tests.history.test_views import QUESTIONS, ask

pytest.importorskip("datasette", reason="no dependency of ours; tox env `data` has it")

pytestmark = pytest.mark.crawl  # not by what it runs, but by how long it takes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the file of the documentation."""
    folder = tmp_path_factory.mktemp("datasette")
    store_odds(f"sqlite:///{folder / 'snapshots.db'}")
    return folder


def answered(folder: Path, path: str, **parameters: object) -> dict[str, object]:
    """What Datasette gives for an address; it asks itself, without a port."""
    address = f"/snapshots{path}.json?{urlencode(parameters)}"
    done = subprocess.run(
        [sys.executable, "-m", "datasette", "snapshots.db", "--get", address],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_view_is_listed_and_read(folder: Path) -> None:
    """All changes are there for the browser, as many as the history tells."""
    views = {view["name"] for view in answered(folder, "")["views"]}  # type: ignore[attr-defined]
    assert {f"{TABLE}_current", f"{TABLE}_changes"} <= views

    with SnapshotHistory(f"sqlite:///{folder / 'snapshots.db'}") as history:
        expected = history.changes(TABLE).count()
    assert answered(folder, f"/{TABLE}_changes", _size=1)["filtered_table_rows_count"] == expected


def test_question_of_the_page_is_answered(folder: Path) -> None:
    """The first one, pasted into the box for SQL."""
    found = answered(folder, "", sql=QUESTIONS[0], _shape="arrays")
    rows = [tuple(row) for row in found["rows"]]  # type: ignore[attr-defined]
    assert len(rows) == len(ask(f"sqlite:///{folder / 'snapshots.db'}", QUESTIONS[0])) > 0
