"""The commands that ask the history, on the example's real odds."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import time
from pathlib import Path

import pytest
from scrapy.exceptions import UsageError

from scrapy_snapshot_pipeline.commands.queries.query_command import SOMETHING_FOUND
from scrapy_snapshot_pipeline.errors import HistoryError, NoSuchEntityError
from tests.commands.asked import NO_PYARROW, asked
from tests.history.odds import CLOSING, OPENING, store_odds

ONE = ("--key", "match=arsenal-chelsea", "--key", "bookmaker=bwin")
EACH = {
    "tables": (),
    "runs": (),
    "show": ONE,
    "history": ONE,
    "as-of": ("last~1", "--limit", "5"),
    "diff": ("last~1", "last", "--limit", "5"),
    "changes": ("--since", "last", "--limit", "5"),
    "movers": ("markets.price_home", "--since", "last~1", "--top", "5"),
    "stats": ("markets.price_home", "--limit", "5", "--until", "2024-05-10T00:00Z"),
}
PAGE = Path(__file__).resolve().parents[2] / "docs/commands.md"
PAGE_LINES = re.findall(r"`scrapy snapshots ([^`]+)`", PAGE.read_text("utf-8").split("\n## ")[0])


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("name", EACH)
def test_table_fits_eighty_columns(
    name: str, odds_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No line is longer than the terminal, and there are some."""
    assert asked(odds_url, name, *EACH[name]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", EACH)
def test_json_is_one_object_a_line(
    name: str, odds_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every line is read by itself, and nothing else is on standard output."""
    asked(odds_url, name, *EACH[name], "--json")

    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)


@pytest.mark.parametrize("name", EACH)
def test_csv_has_the_columns_of_its_header(
    name: str, odds_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every row is as long as the header."""
    asked(odds_url, name, *EACH[name], "--csv")

    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert rows
    assert {len(row) for row in rows} == {len(header)}


@pytest.mark.parametrize("line", PAGE_LINES)
def test_command_of_the_page_runs(
    line: str, odds_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What docs/commands.md answers each question with is understood."""
    if "parquet" in line:
        pytest.importorskip("pyarrow", reason=NO_PYARROW)
    monkeypatch.chdir(tmp_path)

    assert asked(odds_url, *shlex.split(line)) == 0


def test_answers_are_the_same_on_postgresql(
    odds_url: str, postgresql_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each database gives the same lines of JSON."""
    store_odds(postgresql_url)
    for name, arguments in EACH.items():
        answers = []
        for url in (odds_url, postgresql_url):
            asked(url, name, *arguments, "--json")
            answers.append(capsys.readouterr().out)
        assert answers[0] == answers[1], name


@pytest.mark.parametrize("name", ["history", "changes", "diff"])
def test_untracked_fields_are_told_last(
    name: str, odds_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new address of the page does not stand before the prices that moved."""
    only_one = {"changes": ("--since", "last", *ONE), "diff": ("last~1", "last", *ONE)}
    asked(odds_url, name, *only_one.get(name, ONE))

    text = capsys.readouterr().out
    assert 0 < text.index("price_home") < text.index(" url ")


def test_unknown_key_names_similar_ones(odds_url: str) -> None:
    """A typing error is answered with what may have been meant."""
    with pytest.raises(NoSuchEntityError, match=r"3 similar keys: arsenal-chelsea, bwin"):
        asked(odds_url, "show", "--key", "match=arsenal-chelse", "--key", "bookmaker=bwin")


def test_unknown_table_names_the_known(odds_url: str) -> None:
    """The error lists what is there."""
    with pytest.raises(HistoryError, match="competitor_odds_snapshot"):
        asked(odds_url, "changes", "--table", "nothing")


@pytest.mark.parametrize("arguments", [("last", "soon"), ("last~9", "last"), ("abcdef12",)])
def test_moment_without_meaning_is_a_usage_error(odds_url: str, arguments: tuple[str, ...]) -> None:
    """Scrapy makes exit code 2 of it."""
    with pytest.raises(UsageError):
        asked(odds_url, "diff", *arguments)


@pytest.mark.parametrize(
    ("url", "told"), [("odds_url", "there are only 2 runs"), ("empty_url", "there is no run yet")]
)
def test_run_that_is_not_there_is_told_by_how_many_there_are(
    url: str, told: str, request: pytest.FixtureRequest
) -> None:
    """Also where no crawl ever ran."""
    with pytest.raises(UsageError, match=told):
        asked(request.getfixturevalue(url), "as-of", "last~2")


@pytest.mark.parametrize(
    "line",
    [
        "runs",
        "show",
        "as-of now",
        "diff 1d now",
        "changes",
        "movers markets.price",
        "stats score",
        "changes --json",
        "changes --csv",
        "export -o - --format csv",
        "export -o - --format jsonl",
    ],
)
def test_empty_history_has_empty_answers(
    line: str, empty_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Tables without a row are no error, and a pipe gets nothing."""
    assert asked(empty_url, *line.split()) == 0
    assert capfd.readouterr().out == ""


def test_key_without_equals_sign_is_a_usage_error(odds_url: str) -> None:
    """The exit code is 2."""
    with pytest.raises(SystemExit) as exit_:
        asked(odds_url, "changes", "--key", "arsenal")
    assert exit_.value.code == 2


@pytest.mark.parametrize(("since", "code"), [("last~1", SOMETHING_FOUND), ("now", 0)])
def test_exit_code_says_whether_something_changed(odds_url: str, since: str, code: int) -> None:
    """A script need not read the answer."""
    assert asked(odds_url, "changes", "--since", since, "--limit", "1", "--exit-code") == code


def test_limit_tells_that_there_is_more(odds_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody takes the first lines for all of them; a pipe is not disturbed by it."""
    asked(odds_url, "as-of", "now", "--limit", "2")

    shown = capsys.readouterr()
    assert "the first 2 are shown" in shown.err
    assert "the first 2" not in shown.out


def test_run_is_known_by_the_start_of_its_id(
    odds_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole id and `last` mean the same run."""
    answers = []
    for before, after in ((str(OPENING), str(CLOSING)), ("last~1", "last")):
        asked(odds_url, "diff", before, after, "--json", "--limit", "3")
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]


def test_runs_show_what_names_them_on_a_narrow_terminal(
    odds_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The digits that other commands take have room in eighty columns."""
    asked(odds_url, "runs")

    assert str(CLOSING)[:8] in capsys.readouterr().out


def test_ambiguous_start_of_an_id_is_refused(odds_url: str) -> None:
    """Both runs of the file begin alike."""
    with pytest.raises(UsageError, match="several runs begin with 00000000"):
        asked(odds_url, "as-of", "00000000")


def test_times_are_in_the_zone_of_the_user(
    odds_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its offset on the day; `--utc` shows UTC."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        asked(odds_url, "runs")
        local = capsys.readouterr().out
        asked(odds_url, "runs", "--utc")
        utc = capsys.readouterr().out
    finally:
        monkeypatch.undo()
        time.tzset()

    assert "2024-05-03 02:00:00+02" in local
    assert "(--utc for UTC)" in local
    assert "2024-05-03 00:00:00Z" in utc


def test_missing_file_is_an_error(tmp_path: os.PathLike[str]) -> None:
    """The text says what to do."""
    with pytest.raises(HistoryError, match="run a crawl first"):
        asked(f"sqlite:///{os.fspath(tmp_path)}/none.db", "tables")
