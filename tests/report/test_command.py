"""The command that writes a report: commands/queries/report.py."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest
from scrapy.settings import Settings

from scrapy_snapshot_pipeline.commands.queries.report import Report
from scrapy_snapshot_pipeline.errors import HistoryError
from tests.report.shop import store, week


def _run(folder: Path, *arguments: str) -> int:
    parser = ArgumentParser()
    command = Report()
    command.add_options(parser)
    url = f"sqlite:///{(folder / 'week.db').as_posix()}"
    return command.run(Settings({"SNAPSHOT_DATABASE_URL": url}), parser.parse_args(arguments))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a database."""
    store(f"sqlite:///{(tmp_path / 'week.db').as_posix()}", week())
    return tmp_path


def test_command_writes_the_page_and_says_where(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The path is all that is printed, so that a script can open it."""
    target = folder / "report.html"

    assert _run(folder, "-o", str(target), "--since", "last", "--key", "sku=lamp") == 0
    assert capsys.readouterr().out == f"{target}\n"
    html = target.read_text(encoding="utf-8")
    assert "lamp" in html
    assert (
        'changes since <span class="time">2026-03-07 00:00:00<' in html
    )  # the start of the last run


def test_file_that_cannot_be_written_is_an_error(folder: Path) -> None:
    """With the reason, and no traceback."""
    with pytest.raises(HistoryError, match=r"cannot be written to .*: "):
        _run(folder, "-o", str(folder / "nowhere" / "report.html"))


def test_top_below_one_is_refused(folder: Path) -> None:
    """A report of nothing is a mistake."""
    with pytest.raises(SystemExit):
        _run(folder, "--top", "0")
