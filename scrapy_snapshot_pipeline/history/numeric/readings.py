"""What was met where numbers were looked for, so that a question can say what it left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.errors import NoSuchFieldError
from scrapy_snapshot_pipeline.history.connection.streams import stream
from scrapy_snapshot_pipeline.history.numeric.paths import NumberPath
from scrapy_snapshot_pipeline.history.numeric.text_numbers import number_in
from scrapy_snapshot_pipeline.history.queries import Queries
from scrapy_snapshot_pipeline.history.results import Fields, FieldValue
from scrapy_snapshot_pipeline.safe_text import counted, printable

_NAMES = 12
"""Most fields that an error names."""
_SHOWN = 40
"""Characters of a scraped text that an error shows."""


class NumberReader:
    """Reads the numbers at a path, and remembers what it met there."""

    def __init__(self, path: NumberPath) -> None:
        self.path = path
        self.met = 0
        """Values that are not None."""
        self.refused = 0
        """Those of them that are no numbers."""
        self.example: FieldValue = None
        """One of these, if possible one in which `as_number` would find a number."""
        self.readable = False
        """Whether it would."""

    @property
    def found(self) -> bool:
        """Whether there was a number."""
        return self.met > self.refused

    def of(self, values: Fields) -> Decimal | None:
        """The number in a version or child row; None if there is none."""
        value = self.path.found(values)
        if value is None:
            return None
        self.met += 1
        number = self.path.number(value)
        if number is None:
            self._refuse(value)
        return number

    def _refuse(self, value: FieldValue) -> None:
        self.refused += 1
        if self.readable:
            return
        self.readable = isinstance(value, str) and number_in(value) is not None
        if self.readable or self.refused == 1:
            self.example = value


def remark(reader: NumberReader, field: str) -> str | None:
    """What the results do not show; None where nothing was left out."""
    if not reader.refused:
        return None
    are = "is no number" if reader.refused == 1 else "are no numbers"
    return (
        f"{reader.refused:,} of {counted(reader.met, 'value')} of {field} {are}, "
        f"such as {_shown(reader.example)}{_cure(reader)}"
    )


def check(connection: Connection, queries: Queries, path: NumberPath, field: str) -> None:
    """Raise NoSuchFieldError if nothing in the whole table has a number there.

    For a question that met none: reads rows until it finds one.
    """
    reader = NumberReader(path)
    names: set[str] = set()
    rows = 0
    for rows, values in enumerate(_stored(connection, queries, path), 1):  # noqa: B007 - a count
        if reader.of(values) is not None:
            return
        names.update(_neighbours(path, queries, values))
    if rows:
        table = queries.entity.declaration.table
        raise NoSuchFieldError(
            _unknown(table, field, names) if not reader.met else _none(reader, table, field)
        )


def _stored(connection: Connection, queries: Queries, path: NumberPath) -> Iterator[Fields]:
    own, table = queries.own, queries.v
    if path.child is not None:
        own, table = queries.child_columns[path.child], queries.child_rows[path.child]
    own = own.only({path.column})
    for row in stream(connection, sa.select(*own.selected(table))):
        yield own.read(row)


def _neighbours(path: NumberPath, queries: Queries, values: Fields) -> Iterable[str]:
    """The names that stand where the path's last one would."""
    if path.inside:
        around = NumberPath(path.child, path.column, path.inside[:-1]).found(values)
        return around if isinstance(around, dict) else ()
    return values.keys() - set(queries.own.key_names)


def _unknown(table: str, field: str, names: Iterable[str]) -> str:
    known = sorted(names)
    shown = ", ".join(_cut(name) for name in known[:_NAMES]) or "none"
    more = f" and {len(known) - _NAMES} more" if len(known) > _NAMES else ""
    return f"nothing in table {table} has a field {field}; there are {shown}{more}"


def _none(reader: NumberReader, table: str, field: str) -> str:
    return (
        f"none of {counted(reader.met, 'value')} of {field} in table {table} is a number; "
        f"one is {_shown(reader.example)}{_cure(reader)}"
    )


def _cure(reader: NumberReader) -> str:
    if not reader.readable:
        return ""
    return "; --as number, or as_number=True, reads the numbers in texts"


def _shown(value: FieldValue) -> str:
    """Scraped text is quoted, cut and made safe; of what has members only the kind is told."""
    if isinstance(value, str):
        return f'"{_cut(value)}"'
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return _cut(str(value))


def _cut(text: str) -> str:
    return printable(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
