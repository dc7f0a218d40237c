"""Times and runs as arguments of the commands."""

from __future__ import annotations

import time

import pytest
from scrapy.exceptions import UsageError

from tests.commands.in_process import run_command
from tests.history.odds import CLOSING, OPENING


@pytest.mark.parametrize("arguments", [("last", "soon"), ("last~9", "last"), ("abcdef12",)])
def test_argument_without_meaning_is_a_usage_error(
    odds_url: str, arguments: tuple[str, ...]
) -> None:
    """Scrapy then exits with code 2."""
    with pytest.raises(UsageError):
        run_command(odds_url, "diff", *arguments)


@pytest.mark.parametrize(
    ("url", "problem"),
    [("odds_url", "there are only 2 runs"), ("empty_url", "there is no run yet")],
)
def test_run_that_is_not_there_is_refused_with_the_number_of_runs(
    url: str, problem: str, request: pytest.FixtureRequest
) -> None:
    """Even if no crawl ever ran."""
    with pytest.raises(UsageError, match=problem):
        run_command(request.getfixturevalue(url), "as-of", "last~2")


def test_last_and_its_id_mean_the_same_run(
    odds_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """So do `last~1` and the id of the run before."""
    answers = []
    for before, after in ((str(OPENING), str(CLOSING)), ("last~1", "last")):
        run_command(odds_url, "diff", before, after, "--json", "--limit", "3")
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]


def test_ambiguous_start_of_an_id_is_refused(odds_url: str) -> None:
    """The ids of both runs begin alike."""
    with pytest.raises(UsageError, match="several runs begin with 00000000"):
        run_command(odds_url, "as-of", "00000000")


def test_times_are_in_the_zone_of_the_user(
    odds_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has the offset of its day; `--utc` shows UTC."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        run_command(odds_url, "runs")
        local = capsys.readouterr().out
        run_command(odds_url, "runs", "--utc")
        utc = capsys.readouterr().out
    finally:
        monkeypatch.undo()
        time.tzset()

    assert "2024-05-03 02:00:00+02" in local
    assert "(--utc for UTC)" in local
    assert "2024-05-03 00:00:00Z" in utc
