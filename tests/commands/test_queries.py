"""The commands that query the history, on the example's real odds."""

from __future__ import annotations

import csv
import io
import json
import os

import pytest

from scrapy_snapshot_pipeline.commands.queries.query_command import SOMETHING_FOUND
from scrapy_snapshot_pipeline.errors import HistoryError, NoSuchEntityError
from tests.commands.in_process import run_command
from tests.history.odds import CLOSING, store_odds

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


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("name", EACH)
def test_table_fits_eighty_columns(
    name: str, odds_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """There are lines, and none is longer than the terminal is wide."""
    assert run_command(odds_url, name, *EACH[name]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", EACH)
def test_json_is_one_object_a_line(
    name: str, odds_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each line can be read by itself, and nothing else is on standard output."""
    run_command(odds_url, name, *EACH[name], "--json")

    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)


@pytest.mark.parametrize("name", EACH)
def test_csv_has_the_columns_of_its_header(
    name: str, odds_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every row is as long as the header."""
    run_command(odds_url, name, *EACH[name], "--csv")

    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert rows
    assert {len(row) for row in rows} == {len(header)}


def test_answers_are_the_same_on_postgresql(
    odds_url: str, postgresql_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both databases give the same lines of JSON."""
    store_odds(postgresql_url)
    for name, arguments in EACH.items():
        answers = []
        for url in (odds_url, postgresql_url):
            run_command(url, name, *arguments, "--json")
            answers.append(capsys.readouterr().out)
        assert answers[0] == answers[1], name


@pytest.mark.parametrize("name", ["history", "changes", "diff"])
def test_untracked_fields_are_shown_last(
    name: str, odds_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new address of the page does not come before the prices that moved."""
    only_one = {"changes": ("--since", "last", *ONE), "diff": ("last~1", "last", *ONE)}
    run_command(odds_url, name, *only_one.get(name, ONE))

    text = capsys.readouterr().out
    assert 0 < text.index("price_home") < text.index(" url ")


def test_unknown_key_names_similar_ones(odds_url: str) -> None:
    """After a typing error the user sees what may have been meant."""
    with pytest.raises(NoSuchEntityError, match=r"3 similar keys: arsenal-chelsea, bwin"):
        run_command(odds_url, "show", "--key", "match=arsenal-chelse", "--key", "bookmaker=bwin")


def test_unknown_table_names_the_known_ones(odds_url: str) -> None:
    """The error lists the tables that are there."""
    with pytest.raises(HistoryError, match="competitor_odds_snapshot"):
        run_command(odds_url, "changes", "--table", "nothing")


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
def test_empty_history_has_no_results(
    line: str, empty_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Tables without rows are no error, and nothing goes to standard output."""
    assert run_command(empty_url, *line.split()) == 0
    assert capfd.readouterr().out == ""


def test_key_without_equals_sign_is_a_usage_error(odds_url: str) -> None:
    """The exit code is 2."""
    with pytest.raises(SystemExit) as exit_:
        run_command(odds_url, "changes", "--key", "arsenal")
    assert exit_.value.code == 2


@pytest.mark.parametrize(("since", "code"), [("last~1", SOMETHING_FOUND), ("now", 0)])
def test_exit_code_says_whether_anything_changed(odds_url: str, since: str, code: int) -> None:
    """A script need not read the output."""
    assert run_command(odds_url, "changes", "--since", since, "--limit", "1", "--exit-code") == code


def test_limit_says_that_there_is_more(odds_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody mistakes the first rows for all of them, and standard output has rows only."""
    run_command(odds_url, "as-of", "now", "--limit", "2")

    shown = capsys.readouterr()
    assert "the first 2 are shown" in shown.err
    assert "the first 2" not in shown.out


def test_runs_show_what_names_them_on_a_narrow_terminal(
    odds_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Eighty columns have room for the digits that other commands take."""
    run_command(odds_url, "runs")

    assert str(CLOSING)[:8] in capsys.readouterr().out


def test_missing_file_is_an_error(tmp_path: os.PathLike[str]) -> None:
    """The error says what to do."""
    with pytest.raises(HistoryError, match="run a crawl first"):
        run_command(f"sqlite:///{os.fspath(tmp_path)}/none.db", "tables")
