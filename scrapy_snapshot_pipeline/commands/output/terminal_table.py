"""Tables on a terminal, fitted to its width; no cell can send the terminal control characters."""

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
_UNBROKEN = 10
"""Characters of a column that is so narrow that breaking its cells would gain little."""
_GAP = 2
"""Characters between two cells of a row."""
_UNLIMITED = 10_000
"""Characters of a line that goes to no terminal: nothing is cut in a pipe."""


@dataclass(frozen=True, slots=True)
class TerminalTable:
    """Rows with a title; the most important columns are on the left."""

    title: str
    rows: Iterable[FlatRow]


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    cells: Sequence[str]
    number: bool
    whole: bool
    """Whether its cells make no sense when they are broken."""

    @property
    def natural(self) -> int:
        return max(map(cell_len, (self.name, *self.cells)))

    @property
    def usual(self) -> int:
        """A width that fits three of four cells, however long the others are."""
        lengths = sorted(map(cell_len, self.cells))
        return max(self.least, lengths[len(lengths) * 3 // 4])

    @property
    def least(self) -> int:
        if self.whole or self.natural <= _UNBROKEN:
            return self.natural
        return min(self.natural, max(_NARROWEST, cell_len(self.name)))


class Terminal:
    """Standard output, as wide as its terminal."""

    def __init__(self, zone: dt.tzinfo | None) -> None:
        """`zone` is that of the times; None is the system's."""
        self._zone = zone
        known = sys.stdout.isatty() or "COLUMNS" in os.environ
        self._console = Console(width=None if known else _UNLIMITED, highlight=False, emoji=False)
        self._times = False

    def write(self, table: TerminalTable) -> None:
        """Write a table, and say on standard error which columns had no room."""
        rows = list(table.rows)
        columns = [self._column(name, rows) for name in column_names(rows)]
        fitting = fit(columns, self._console.width)
        if table.title:
            sys.stdout.write(f"\n{printable(table.title)}\n")
        self._print(_rich_table(fitting, widths(fitting, self._console.width)))
        left_out = [column.name for column in columns[len(fitting) :]]
        if left_out:
            sys.stderr.write(
                f"no room for {', '.join(left_out)}: widen the terminal, or use --json or --csv\n"
            )

    def write_zone(self) -> None:
        """Write the zone of the times, if there were any."""
        if self._times:
            now = dt.datetime.now(dt.timezone.utc).astimezone(self._zone)
            zone = now.tzname() or "local"
            more = "" if zone == "UTC" else " (--utc for UTC)"
            sys.stdout.write(f"Times are {printable(zone)}{more}.\n")

    def _print(self, table: Table) -> None:
        with self._console.capture() as captured:
            self._console.print(table)
        for line in captured.get().splitlines():
            sys.stdout.write(f"{line.rstrip()}\n")

    def _column(self, name: str, rows: Sequence[FlatRow]) -> _Column:
        values = [row.get(name) for row in rows]
        present = [value for value in values if value is not None and value != ""]
        number = bool(present) and all(map(_is_number, present))
        time = bool(present) and all(isinstance(value, dt.datetime) for value in present)
        cells = [self._cell(value) for value in values]
        return _Column(printable(name), cells, number, number or time)

    def _cell(self, value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, dt.datetime):
            self._times = True
            return time_text(value, self._zone)
        return printable(plain_text(value))


def time_text(time: dt.datetime, zone: dt.tzinfo | None) -> str:
    """A time to the second, with the offset of its day: 2024-05-01 18:30:00+02.

    In UTC where the zone would lead out of the calendar, at its first or its last hours.
    """
    try:
        local = time.astimezone(zone)
    except (OverflowError, ValueError):
        local = time.astimezone(dt.timezone.utc)
    offset = local.strftime("%z")
    short = "Z" if offset == "+0000" else offset.removesuffix("00")
    return f"{local:%Y-%m-%d %H:%M:%S}{short}"


def fit(columns: Sequence[_Column], width: int) -> list[_Column]:
    """As many columns from the left as the width has room for; at least one."""
    fitting: list[_Column] = []
    used = 0
    for column in columns:
        used += column.least + (_GAP if fitting else 0)
        if fitting and used > width:
            break
        fitting.append(column)
    return fitting


def widths(columns: Sequence[_Column], width: int) -> list[int]:
    """The width of each column.

    From the left, each gets its usual width.  Columns that need more share what is left, equally.
    """
    room = [column.least for column in columns]
    spare = width - sum(room) - _GAP * (len(columns) - 1)
    for index, column in enumerate(columns):
        more = max(0, min(column.usual - column.least, spare))
        room[index] += more
        spare -= more
    while spare > 0:
        needy = [index for index, each in enumerate(columns) if room[index] < each.natural][:spare]
        if not needy:
            break
        for index in needy:
            room[index] += 1
        spare -= len(needy)
    return room


def _rich_table(columns: Sequence[_Column], room: Sequence[int]) -> Table:
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
