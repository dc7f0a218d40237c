"""Which of our tables and columns an error is about.

A server says so in a text of its own language, which may quote values too.  Only the names that we
have declared are looked for in it, and only they are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import sqlalchemy as sa

_MARKS = "\"'`.»«„“”‘’‹›「『"  # noqa: RUF001 - quotes of all languages, and the dot after a table
_WORD = r"(?<!\w){}(?!\w)"
_MARKED = rf"(?:(?:[{_MARKS}]|«\s){{0}}(?!\w)|(?<!\w){{0}}(?=\.)|(?:: |named ){{0}}$)"
"""A name that cannot be a word of the text: in quotes, beside a dot, or at the end of SQLite's."""


class Named(NamedTuple):
    """What was found; empty where nothing was."""

    table: str = ""
    column: str = ""


class SchemaNames:
    """The names that may be shown."""

    def __init__(self, tables: Iterable[sa.Table] = ()) -> None:
        self._columns: dict[str, list[str]] = {}
        self.add(tables)

    def add(self, tables: Iterable[sa.Table]) -> None:
        """Look for these and their columns too."""
        self._columns |= {t.name: [column.name for column in t.columns] for t in tables}

    def table_in(self, text: str, statement: str) -> Named:
        """The table that a text, or else the failed statement, is about."""
        named = self._marked_table(text, statement) or _found(_WORD, self._columns, text)
        return Named(named[0]) if named else Named()

    def column_in(self, text: str, statement: str) -> Named:
        """The column, and its table, that a text is about; the statement says which table else."""
        known = {name for columns in self._columns.values() for name in columns}
        columns = _found(_MARKED, known, text)
        if not columns:
            return Named(*self._marked_table(text, statement)[:1])
        return Named(self._owner(columns[0], text, statement), columns[0])

    def _marked_table(self, text: str, statement: str) -> list[str]:
        named = _found(_WORD, self._columns, statement)
        return _found(_MARKED, self._columns, text) or (named if len(named) == 1 else [])

    def _owner(self, column: str, text: str, statement: str) -> str:
        owners = [name for name, columns in self._columns.items() if column in columns]
        for pattern, source in ((_MARKED, text), (_WORD, statement), (_WORD, text)):
            named = _found(pattern, owners, source)
            if named:
                return named[0]
        return owners[0] if len(owners) == 1 else ""


def _found(pattern: str, names: Iterable[str], text: str) -> list[str]:
    """Those of `names` that are in `text`, in the order of their places in it."""
    return [name for _, name in sorted(_places(pattern, names, text))]


def _places(pattern: str, names: Iterable[str], text: str) -> Iterator[tuple[int, str]]:
    for name in names:
        if name in text:
            match = re.search(pattern.format(re.escape(name)), text, re.MULTILINE)
            if match is not None:
                yield match.start(), name
