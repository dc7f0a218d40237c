"""A database of release 0.1.0 answers as it did, and a crawl goes on in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands.in_process import run_command
from tests.crawl.crawls import PATIENCE, ROOT, environment
from tests.crawl.database import column, connected, scalar
from tests.release_0_1_0.databases import LETTERS, answers, load
from tests.release_0_1_0.questions import EXPORTS, QUESTIONS

CORRECTED = {"show offer", "history offer 7", "changes offer", "as-of"}
"""Where offer 7 is shown otherwise: its replayed record had made a version beside an equal one."""
JOINED = {"shop": "north", "id": 7}
JOINED_LINE = "north,7,"
"""How its lines begin in a file."""


@pytest.fixture
def old_url(database_url: str) -> str:
    """The URL of a database of release 0.1.0, in SQLite and in PostgreSQL."""
    load(database_url)
    return database_url


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_answered_as_before(
    name: str, old_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fields may be added; none of those of release 0.1.0 has another value."""
    command, *arguments = QUESTIONS[name]
    assert run_command(old_url, command, "--json", *arguments) == 0

    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    before = answers(old_url)[name]
    if name in CORRECTED:
        found, before = _without_joined(found), _without_joined(before)
    assert [_as_far_as(old, new) for old, new in zip(before, found, strict=True)] == before


def _without_joined(rows: list[Any]) -> list[Any]:
    return [row for row in rows if row["key"] != JOINED]


def _as_far_as(old: Any, new: Any) -> Any:
    """Leave out of `new` the fields that `old` does not have."""
    if isinstance(old, dict):
        return {name: _as_far_as(value, new[name]) for name, value in old.items()}
    if isinstance(old, list):
        return [_as_far_as(*pair) for pair in zip(old, new, strict=True)]
    return new


@pytest.mark.parametrize("name", EXPORTS)
def test_every_file_is_written_as_before(name: str, old_url: str, tmp_path: Path) -> None:
    """Line by line, for a reader that takes the columns by their place."""
    file = tmp_path / "out.csv"
    assert run_command(old_url, "export", "-o", str(file), *EXPORTS[name]) == 0
    found, before = file.read_text("utf-8").splitlines(), answers(old_url)[name]
    assert [line for line in found if not line.startswith(JOINED_LINE)] == [
        line for line in before if not line.startswith(JOINED_LINE)
    ]


def test_equal_versions_side_by_side_are_one_version_now(
    old_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It begins with the replayed record, and nothing says that it changed."""
    run_command(old_url, "history", "--json", *QUESTIONS["history offer 7"][1:])
    [version] = map(json.loads, capsys.readouterr().out.splitlines())
    first, second = answers(old_url)["history offer 7"]
    assert (version["changed_at"], version["valid_to"]) == (first["changed_at"], None)
    assert (second["kind"], second["fields"]) == ("changed", [])

    run_command(old_url, "changes", "--json", *QUESTIONS["changes offer"][1:])
    rows = map(json.loads, capsys.readouterr().out.splitlines())
    [change] = [row for row in rows if row["key"] == JOINED]
    assert (change["kind"], change["changed_at"]) == ("new", first["changed_at"])


@pytest.mark.crawl
def test_a_crawl_goes_on_in_it(old_url: str, tmp_path: Path) -> None:
    """Hashes and ids are the same: what did not change is confirmed, letters find their place."""
    ids = "SELECT DISTINCT entity_id FROM offer ORDER BY entity_id"
    before = column(old_url, ids)
    log = _scrapy(old_url, tmp_path, "crawl", "shop", "-a", "visit=3")
    assert "accepted 13 = inserted 0 + revised 1 + confirmed 12" in log, log[-3000:]
    assert column(old_url, ids) == before

    letters = shutil.copy(LETTERS, tmp_path)
    assert "replayed: revised 4, confirmed 2" in _scrapy(
        old_url, tmp_path, "snapshots", "replay", str(letters)
    )
    assert scalar(old_url, "SELECT count(*) FROM snapshot_runs WHERE status = 'running'") == 1
    with connected(old_url) as connection:
        connection.exec_driver_sql("SELECT kind, resumes, seen FROM snapshot_runs")


def _scrapy(url: str, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", *arguments, f"-sSNAPSHOT_DATABASE_URL={url}"],
        check=True,
        cwd=folder,
        env={
            **environment(),
            "PYTHONPATH": str(ROOT),
            "SCRAPY_SETTINGS_MODULE": "tests.release_0_1_0.shop.settings",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
    )
    return done.stdout
