"""Tables that fit the terminal, and cannot control it."""

from __future__ import annotations

import datetime as dt
import unicodedata

import pytest

from scrapy_snapshot_pipeline.commands.output.terminal_table import (
    Terminal,
    TerminalTable,
    time_text,
)

HOSTILE = "\x1b]0;owned\x07\x9b31m\u202eevil\u2066\x7f[bold]x[/bold]:smile:"
ROW = {"key": "a" * 60, "number": 12345678901234567890, "more": "b" * 60, "last": "c" * 60}


def test_columns_without_room_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Columns are left out from the right, and standard error says which."""
    monkeypatch.setenv("COLUMNS", "40")
    Terminal(None).write(TerminalTable("", [ROW]))

    shown = capsys.readouterr()
    assert shown.err.startswith("no room for last:")
    assert shown.out.split("\n", 1)[0].split() == ["key", "number", "more"]
    assert max(map(len, shown.out.splitlines())) <= 40


def test_number_is_never_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a number would be another number."""
    monkeypatch.setenv("COLUMNS", "40")
    Terminal(None).write(TerminalTable("", [ROW]))

    assert str(ROW["number"]) in capsys.readouterr().out


def test_columns_that_need_more_room_share_what_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts of usual length stay whole; long ones beside them get equal shares of the rest."""
    long = {"what": "page", "old": "a" * 90, "new": "b" * 90}
    rows = [long, *({"what": "price_of_the_home", "old": "1.40", "new": "1.50"} for _ in range(4))]
    monkeypatch.setenv("COLUMNS", "80")
    Terminal(None).write(TerminalTable("", rows))
    text = capsys.readouterr().out
    assert "price_of_the_home  1.40" in text
    _, old, new = text.splitlines()[2].split()
    assert (len(old), len(new)) == (30, 29)

    monkeypatch.setenv("COLUMNS", "220")
    Terminal(None).write(TerminalTable("", rows))
    assert "a" * 90 in capsys.readouterr().out


def test_pipe_gets_every_column_on_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that reads the table finds each row on one line."""
    monkeypatch.delenv("COLUMNS", raising=False)
    Terminal(None).write(TerminalTable("", [ROW]))

    assert capsys.readouterr().out.splitlines()[-1].split() == [str(v) for v in ROW.values()]


def test_control_characters_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither control characters nor the markup of the library reach the terminal."""
    terminal = Terminal(None)
    terminal.write(TerminalTable(HOSTILE, [{HOSTILE: HOSTILE}]))

    shown = capsys.readouterr().out
    categories = {unicodedata.category(c) for c in shown if c != "\n"}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert "[bold]x[/bold]:smile:" in shown


FIRST = dt.datetime.min.replace(tzinfo=dt.timezone.utc)
LAST = dt.datetime.max.replace(tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("time", "hours", "text"),
    [
        (FIRST, -5, "0001-01-01 00:00:00Z"),
        (LAST, 9, "9999-12-31 23:59:59Z"),
        (LAST, -5, "9999-12-31 18:59:59-05"),
    ],
)
def test_the_ends_of_the_calendar_are_shown(time: dt.datetime, hours: int, text: str) -> None:
    """In UTC, where the zone has no such year."""
    zone = dt.timezone(dt.timedelta(hours=hours))
    shown = time_text(time, zone)
    assert shown.lstrip("0") == text.lstrip("0")
