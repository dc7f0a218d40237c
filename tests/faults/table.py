"""The table at the end of `tox -e faults`: one row for each fault and database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Row(NamedTuple):
    """What came of a fault."""

    number: int
    """In the catalogue."""
    fault: str
    database: str
    outcome: str
    lost: str
    """A number, or "-" if the test had nothing to count."""
    doubled: str
    seconds: float

    def cells(self) -> tuple[str, ...]:
        """The cells of the row as text."""
        return (
            str(self.number),
            self.fault,
            self.database,
            self.outcome,
            self.lost,
            self.doubled,
            f"{self.seconds:.1f}",
        )


HEAD = ("#", "fault", "database", "outcome", "lost", "doubled", "seconds")


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """The table as text, in the order of the catalogue; empty if there are no rows."""
    table = [row.cells() for row in sorted(rows)]
    if not table:
        return
    widths = [max(map(len, column)) for column in zip(HEAD, *table, strict=True)]
    for row in (HEAD, tuple("-" * width for width in widths), *table):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
