"""Rows as CSV, in which a spreadsheet finds no formulas."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from scrapy_snapshot_pipeline.commands.output.json_output import plain_text
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.results import FlatRow
from scrapy_snapshot_pipeline.safe_text import escaped

_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_BLANKS = ("\t", "\r", "\n")


def column_names(rows: Iterable[FlatRow]) -> list[str]:
    """The names of all columns, in the order of their first appearance; reads all rows."""
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return list(names)


class CsvWriter:
    """Writes rows to a text stream.  On a terminal it escapes control characters too."""

    def __init__(self, out: TextIO, *, raw: bool) -> None:
        """`raw` leaves texts that look like formulas as they are."""
        self._csv = csv.writer(out, lineterminator="\n")
        self._raw = raw
        self._terminal = out.isatty()

    def write(self, names: Sequence[str], rows: Iterable[FlatRow]) -> int:
        """Write header and rows, give the number of rows.  Raises HistoryError for a new column."""
        self._csv.writerow([self._cell(name) for name in names])
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007 - it is returned
            self._csv.writerow(self._cells(names, row))
        return count

    def _cells(self, names: Sequence[str], row: FlatRow) -> Iterator[str]:
        if not row.keys() <= set(names):
            raise HistoryError("a crawl added fields meanwhile; run the command again")
        return (self._cell(row.get(name)) for name in names)

    def _cell(self, value: object) -> str:
        if value is None:
            return ""
        text = plain_text(value)
        if isinstance(value, str) and not self._raw:
            text = guarded(text)
        return escaped(text) if self._terminal else text


def guarded(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would calculate."""
    dangerous = text.startswith(_BLANKS) or text.lstrip().startswith(_FORMULA)
    return f"'{text}" if dangerous else text
