"""The table at the end of `tox -e faults`: a row a fault and database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Row(NamedTuple):
    """What a test found out about a fault."""

    number: int
    """In the catalogue."""
    fault: str
    database: str
    outcome: str
    lost: str
    """A count, or "-" where the test had nothing to count."""
    doubled: str
    seconds: float

    def cells(self) -> tuple[str, ...]:
        """As text."""
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
    """The table as text, in the order of the catalogue; nothing where there is no row."""
    table = [row.cells() for row in sorted(rows)]
    if not table:
        return
    widths = [max(map(len, column)) for column in zip(HEAD, *table, strict=True)]
    for row in (HEAD, tuple("-" * width for width in widths), *table):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
