"""Rows as CSV that a spreadsheet cannot mistake for formulas."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from scrapy_snapshot_pipeline.commands.output.json_output import plain_text
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.results import FlatRow
from scrapy_snapshot_pipeline.safe_text import escaped

_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_EMPTY_START = ("\t", "\r", "\n")


def column_names(rows: Iterable[FlatRow]) -> list[str]:
    """All columns, in the order of their first appearance; reads all rows."""
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return list(names)


class CsvWriter:
    """Writes rows; `raw` leaves texts that look like formulas as they are.

    On a terminal control characters are escaped too.
    """

    def __init__(self, out: TextIO, *, raw: bool) -> None:
        self._csv = csv.writer(out, lineterminator="\n")
        self._raw = raw
        self._terminal = out.isatty()

    def write(self, names: Sequence[str], rows: Iterable[FlatRow]) -> int:
        """The header and all rows; gives their number.  Raises HistoryError for a new column."""
        self._csv.writerow([self._cell(name) for name in names])
        count = 0
        for count, row in enumerate(rows, 1):  # noqa: B007 - it is the answer
            self._csv.writerow(self._cells(names, row))
        return count

    def _cells(self, names: Sequence[str], row: FlatRow) -> Iterator[str]:
        if not row.keys() <= set(names):
            raise HistoryError("a crawl added fields meanwhile; ask again")
        return (self._cell(row.get(name)) for name in names)

    def _cell(self, value: object) -> str:
        if value is None:
            return ""
        text = plain_text(value)
        if isinstance(value, str) and not self._raw:
            text = guarded(text)
        return escaped(text) if self._terminal else text


def guarded(text: str) -> str:
    """With an apostrophe before what a spreadsheet would calculate."""
    dangerous = text.startswith(_EMPTY_START) or text.lstrip().startswith(_FORMULA)
    return f"'{text}" if dangerous else text
