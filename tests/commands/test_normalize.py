"""`scrapy snapshots normalize`: what it prints, and which tables it takes."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from tests.commands.in_process import run_command
from tests.contract.entities import Observation
from tests.contract.split_histories import TABLE, split
from tests.contract.stores import DatabaseStore, write


@pytest.fixture
def split_url(sqlite_url: str) -> str:
    """Two entities, whose histories an older release has split into three versions each."""
    with closing(DatabaseStore(sqlite_url)) as store:
        for second in range(3):
            write(store, *(Observation(name, second, 1, {"x": 1}) for name in "ab"))
    split(sqlite_url, {1, 2})
    return sqlite_url


def test_pairs_are_counted_and_then_joined(
    split_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run writes nothing; a second run finds nothing."""
    lines = [
        f"{TABLE}: entities looked at 2, versions to join 4, child rows to join 8\n",
        f"{TABLE}: entities looked at 2, versions joined 4, child rows joined 8\n",
        f"{TABLE}: entities looked at 2, versions joined 0, child rows joined 0\n",
    ]
    for arguments, line in zip(([TABLE, "--dry-run"], [], [TABLE]), lines, strict=True):
        assert run_command(split_url, "normalize", *arguments) == 0
        assert capsys.readouterr() == (line, "")
    with SnapshotHistory(split_url) as history:
        assert history.versions(TABLE, "a").count() == 1


def test_unknown_table_is_an_error_before_anything_is_joined(
    split_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the tables that are there."""
    with pytest.raises(HistoryError, match=f"no table of entities nothing; there are {TABLE}"):
        run_command(split_url, "normalize", TABLE, "nothing")
    assert capsys.readouterr().out == ""


def test_no_database_is_an_error(sqlite_url: str) -> None:
    """And none is created."""
    with pytest.raises(HistoryError, match="run a crawl first"):
        run_command(sqlite_url, "normalize")


def test_the_commands_of_the_page_run_as_printed(
    split_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a line of the same words each, whatever the table and its numbers are."""
    page = (Path(__file__).resolve().parents[2] / "docs/commands.md").read_text("utf-8")
    block = re.search(r"```console\n(\$ scrapy snapshots normalize.*?)```", page, re.DOTALL)
    assert block is not None
    printed = block[1].splitlines()
    for command, line in zip(printed[::2], printed[1::2], strict=True):
        assert run_command(split_url, *command.removeprefix("$ scrapy snapshots ").split()) == 0
        assert _words(capsys.readouterr().out) == _words(line)


def _words(line: str) -> list[str]:
    """Without the name of the table and the numbers."""
    return re.sub(r"[0-9][0-9,]*", "N", line.partition(":")[2]).split()
