"""What was scraped is shown, and does nothing."""

from __future__ import annotations

import io
import json
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.commands.output.csv_output import CsvWriter
from scrapy_snapshot_pipeline.commands.output.json_output import json_line
from scrapy_snapshot_pipeline.commands.output.terminal_table import Terminal, TerminalTable

HOSTILE = "\x1b]0;owned\x07\x9b31m\u202eevil\u2066\x7f[bold]x[/bold]:smile:"


def written(value: object, *, raw: bool = False) -> str:
    """The cell of a CSV of one column."""
    out = io.StringIO()
    CsvWriter(out, raw=raw).write(["name"], [{"name": value}])
    return out.getvalue().splitlines()[1]


def test_table_escapes_what_speaks_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither control and direction characters nor the markup of the library come through."""
    terminal = Terminal(None)
    terminal.write(TerminalTable(HOSTILE, [{HOSTILE: HOSTILE}]))

    shown = capsys.readouterr().out
    categories = {unicodedata.category(c) for c in shown if c != "\n"}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert "[bold]x[/bold]:smile:" in shown


@given(st.text() | st.dictionaries(st.text(), st.text()))
def test_json_is_exact_and_printable(value: object) -> None:
    """Whatever the text, the line is printable and reads back equal."""
    line = json_line({"value": value})

    assert line.isprintable()
    assert json.loads(line) == {"value": value}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\t", "\uff1d"])
def test_text_that_a_spreadsheet_calculates_gets_an_apostrophe(start: str) -> None:
    """A scraped formula stays a text."""
    assert written(f"{start}1+1").lstrip('"').startswith("'")


def test_raw_csv_is_exact() -> None:
    """For readers that are no spreadsheet."""
    assert written("=1+1", raw=True) == "=1+1"


def test_negative_number_is_a_number() -> None:
    """Only texts are dangerous."""
    assert written(Decimal("-1.50")) == "-1.50"
