"""Tables on a terminal, fitted to its width; nothing in a cell can speak to the terminal."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scrapy_snapshot_pipeline.commands.output.csv_output import column_names
from scrapy_snapshot_pipeline.commands.output.json_output import plain_text
from scrapy_snapshot_pipeline.history.results import FlatRow
from scrapy_snapshot_pipeline.safe_text import printable

_NARROWEST = 8
_BETWEEN = 2
"""Columns between the cells of a row, beside each cell."""
_NO_LIMIT = 10_000
"""Columns of what is no terminal: nothing is cut in a pipe."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of a table, its left columns the most important ones."""

    title: str
    rows: Iterable[FlatRow]


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    cells: Sequence[str]
    number: bool
    whole: bool
    """Its cells make no sense in pieces."""

    @property
    def natural(self) -> int:
        return max(map(cell_len, (self.name, *self.cells)))

    @property
    def usual(self) -> int:
        """What three of four cells have room in, however long the others are."""
        lengths = sorted(map(cell_len, self.cells))
        return max(self.least, lengths[len(lengths) * 3 // 4])

    @property
    def least(self) -> int:
        if self.whole:
            return self.natural
        return min(self.natural, max(_NARROWEST, cell_len(self.name)))


class Screen:
    """Standard output, as wide as its terminal; `zone` of the times, None: the system's."""

    def __init__(self, zone: dt.tzinfo | None) -> None:
        self._zone = zone
        known = sys.stdout.isatty() or "COLUMNS" in os.environ
        self._console = Console(width=None if known else _NO_LIMIT, highlight=False, emoji=False)
        self._times = False

    def draw(self, grid: Grid) -> None:
        """Write a table; says which columns had no room."""
        rows = list(grid.rows)
        columns = [self._column(name, rows) for name in column_names(rows)]
        fitting = fit(columns, self._console.width)
        if grid.title:
            sys.stdout.write(f"\n{printable(grid.title)}\n")
        self._write(_table(fitting, widths(fitting, self._console.width)))
        left_out = [column.name for column in columns[len(fitting) :]]
        if left_out:
            sys.stderr.write(
                f"no room for {', '.join(left_out)}: widen the terminal, or use --json or --csv\n"
            )

    def end(self) -> None:
        """Say which zone the times are in, if there were any."""
        if self._times:
            now = dt.datetime.now(dt.timezone.utc).astimezone(self._zone)
            zone = now.tzname() or "local"
            more = "" if zone == "UTC" else " (--utc for UTC)"
            sys.stdout.write(f"Times are {printable(zone)}{more}.\n")

    def _write(self, table: Table) -> None:
        with self._console.capture() as captured:
            self._console.print(table)
        for line in captured.get().splitlines():
            sys.stdout.write(f"{line.rstrip()}\n")

    def _column(self, name: str, rows: Sequence[FlatRow]) -> _Column:
        values = [row.get(name) for row in rows]
        there = [value for value in values if value is not None and value != ""]
        number = bool(there) and all(map(_is_number, there))
        time = bool(there) and all(isinstance(value, dt.datetime) for value in there)
        cells = [self._cell(value) for value in values]
        return _Column(printable(name), cells, number, number or time)

    def _cell(self, value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, dt.datetime):
            self._times = True
            return shown_time(value, self._zone)
        return printable(plain_text(value))


def shown_time(time: dt.datetime, zone: dt.tzinfo | None) -> str:
    """To the second, with the offset of its day: 2024-05-01 18:30:00+02."""
    there = time.astimezone(zone)
    offset = there.strftime("%z")
    shown = "Z" if offset == "+0000" else offset.removesuffix("00")
    return f"{there:%Y-%m-%d %H:%M:%S}{shown}"


def fit(columns: Sequence[_Column], width: int) -> list[_Column]:
    """As many columns from the left as there is room for, at least one."""
    fitting: list[_Column] = []
    used = 0
    for column in columns:
        used += column.least + (_BETWEEN if fitting else 0)
        if fitting and used > width:
            break
        fitting.append(column)
    return fitting


def widths(columns: Sequence[_Column], width: int) -> list[int]:
    """Of each column: first what is usual in it, from the left; the rest in equal parts."""
    found = [column.least for column in columns]
    natural = [column.natural for column in columns]
    spare = width - sum(found) - _BETWEEN * (len(columns) - 1)
    for place, column in enumerate(columns):
        more = max(0, min(column.usual - column.least, spare))
        found[place] += more
        spare -= more
    while spare > 0:
        needy = [place for place, room in enumerate(found) if room < natural[place]][:spare]
        if not needy:
            break
        for place in needy:
            found[place] += 1
        spare -= len(needy)
    return found


def _table(columns: Sequence[_Column], room: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column, width in zip(columns, room, strict=True):
        table.add_column(
            Text(column.name),
            justify="right" if column.number else "left",
            overflow="fold",
            no_wrap=column.whole,
            width=width,
        )
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
