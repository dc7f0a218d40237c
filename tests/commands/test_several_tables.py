"""The commands where a database has several tables."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from scrapy.exceptions import UsageError

from scrapy_snapshot_pipeline.errors import HistoryError, NoSuchEntityError
from tests.commands.in_process import NO_PYARROW, run_command
from tests.history.odds import OUR_SPIDER, OUR_TABLE, TABLE, store_odds, store_our_odds

PAGE = Path(__file__).resolve().parents[2] / "docs/commands.md"
PAGE_LINES = re.findall(r"`scrapy snapshots ([^`]+)`", PAGE.read_text("utf-8").split("\n## ")[0])
BOTH = [f"== {TABLE}", f"== {OUR_TABLE}"]


def headings(text: str) -> list[str]:
    """The lines that name a table."""
    return [line for line in text.splitlines() if line.startswith("== ")]


@pytest.mark.parametrize("line", PAGE_LINES)
def test_command_of_the_page_answers_after_the_tour(
    line: str,
    two_tables_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each command that docs/commands.md recommends works with the example's two tables."""
    if "parquet" in line:
        pytest.importorskip("pyarrow", reason=NO_PYARROW)
    monkeypatch.chdir(tmp_path)

    assert run_command(two_tables_url, *shlex.split(line)) == 0
    assert capsys.readouterr().out or list(tmp_path.glob("odds.*"))


@pytest.mark.parametrize(
    "line",
    [
        "changes --since last --limit 2",
        "show --limit 1",
        "as-of last --limit 1",
        "diff last~1 last --limit 1",
        "movers markets.price_home --since last~1 --top 1",
        "stats markets.price_home --until 2024-05-10T00:00Z --limit 1",
    ],
)
def test_all_tables_answer_one_after_the_other(
    line: str, two_tables_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each under its name; in JSON the lines say it themselves."""
    run_command(two_tables_url, *line.split())
    assert headings(capsys.readouterr().out) == BOTH

    run_command(two_tables_url, *line.split(), "--json")
    lines = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert {each["table"] for each in lines} == {TABLE, OUR_TABLE}


def test_last_crawl_is_that_of_each_table(
    two_tables_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not the last one of all, which may have written another table only."""
    run_command(two_tables_url, "changes", "--since", "last", "--limit", "1")
    said = capsys.readouterr().err
    assert "of spider competitor_odds" in said
    assert "of spider odds" in said


@pytest.mark.parametrize("name", ["show", "history"])
def test_entity_is_found_in_the_table_that_has_it(
    name: str, two_tables_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its name is said, and no word of the table that lacks it."""
    run_command(two_tables_url, name, "--key", "match=arsenal-chelsea", "--key", "bookmaker=Bet365")
    shown = capsys.readouterr()
    assert headings(shown.out) == [f"== {OUR_TABLE}"]
    assert "entity" not in shown.err


def test_entity_that_no_table_has_is_an_error(two_tables_url: str) -> None:
    """As where there is one table."""
    with pytest.raises(NoSuchEntityError):
        run_command(two_tables_url, "history", "--key", "match=x", "--key", "bookmaker=y")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("show --key nothing=x", rf"no table has the key nothing; there are {TABLE} \(match, "),
        ("stats nothing", f"none of {TABLE}, {OUR_TABLE} has a field nothing"),
        ("changes --csv", f"choose a table with --table: {TABLE}, {OUR_TABLE}"),
        ("export -o x.csv", f"choose a table with --table: {TABLE}, {OUR_TABLE}"),
    ],
)
def test_what_fits_no_table_or_needs_one_says_so(
    line: str, problem: str, two_tables_url: str
) -> None:
    """With the names to choose from; CSV has the columns of one table."""
    with pytest.raises(HistoryError, match=problem):
        run_command(two_tables_url, *line.split())


def test_csv_of_one_table(two_tables_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No heading is among its rows."""
    run_command(two_tables_url, "changes", "--csv", "--table", OUR_TABLE, "--limit", "1")
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert {len(row) for row in rows} == {len(rows[0])}


def test_table_that_cannot_answer_does_not_silence_the_others(
    sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told beside their answers, and raised where no other answers."""
    store_odds(sqlite_url)
    store_our_odds(sqlite_url)
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        connection.execute("DELETE FROM snapshot_runs WHERE spider = ?", [OUR_SPIDER])
        connection.commit()
    run_command(sqlite_url, "diff", "last~1", "last", "--limit", "1")
    shown = capsys.readouterr()
    assert headings(shown.out) == [f"== {TABLE}"]
    assert f"there is no run yet of table {OUR_TABLE}" in shown.err
    with pytest.raises(UsageError, match="only 2 runs"):
        run_command(sqlite_url, "diff", "last~2", "last")
