"""CSV, in which a spreadsheet finds no formulas."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest

from scrapy_snapshot_pipeline.commands.output.csv_output import CsvWriter


def written(value: object, *, raw: bool = False) -> str:
    """The cell that is written for a value, in a CSV of one column."""
    out = io.StringIO()
    CsvWriter(out, raw=raw).write(["name"], [{"name": value}])
    return out.getvalue().splitlines()[1]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\t", "\uff1d"])
def test_text_that_a_spreadsheet_calculates_gets_an_apostrophe(start: str) -> None:
    """A scraped formula stays a text."""
    assert written(f"{start}1+1").lstrip('"').startswith("'")


def test_raw_csv_is_exact() -> None:
    """For readers other than spreadsheets."""
    assert written("=1+1", raw=True) == "=1+1"


def test_negative_number_is_a_number() -> None:
    """Only texts are dangerous."""
    assert written(Decimal("-1.50")) == "-1.50"
