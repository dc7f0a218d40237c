"""What differs between the declaration that a table was created for and the one of today.  Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scrapy_snapshot_pipeline.declaration.sql_types import INTEGER_BITS, PADDED, SINGLE
from scrapy_snapshot_pipeline.declaration.tables import (
    Column,
    Declaration,
    Kind,
    Role,
)

_LIMITED = (Kind.TEXT, Kind.BYTES, Kind.DECIMAL)
"""The kinds of which every release stored the limits."""


class Aspect(enum.Enum):
    """In what two declarations differ."""

    KEY = "key"
    COLUMN = "column"
    """A field that only one of them has."""
    KIND = "kind"
    ROLE = "role"
    LIMIT = "limit"
    UNTRACKED = "untracked"
    """Names that lead into a JSON column."""
    EXCLUDED = "excluded"
    LIST = "list"
    TYPES = "types"
    """Whether the class states types at all."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One of them, in words."""

    table: str
    aspect: Aspect
    subject: str
    """What differs, as the subject of a sentence."""
    stored: str
    declared: str
    column: str | None = None
    """The column that both have."""

    @property
    def text(self) -> str:
        """What it was, and what it is now."""
        return f"{self.subject} was {self.stored} and is now {self.declared}"


def differences(stored: Declaration, declared: Declaration) -> list[Difference]:
    """All of them.  The order of the fields is none, and neither is the label."""
    return [
        *_types(stored, declared),
        *_columns(stored.table, stored.columns, declared.columns),
        *_lists(stored, declared),
        *_nested(stored, declared),
        *_moved_between(stored, declared),
    ]


def _types(stored: Declaration, declared: Declaration) -> Iterator[Difference]:
    if stored.untyped != declared.untyped:
        words = {True: "without types", False: "with types"}
        yield Difference(
            stored.table, Aspect.TYPES, "the class", words[stored.untyped], words[declared.untyped]
        )


def _columns(
    table: str, stored: Sequence[Column], declared: Sequence[Column]
) -> Iterator[Difference]:
    before, now = _key(stored), _key(declared)
    if set(before) != set(now):
        yield Difference(table, Aspect.KEY, "the key", _listed(before), _listed(now))
    known = {column.name: column for column in stored}
    for column in declared:
        if column.name in known:
            yield from _column(table, known[column.name], column)
    yield from _one_sided(table, stored, declared)


def _one_sided(
    table: str, stored: Sequence[Column], declared: Sequence[Column]
) -> Iterator[Difference]:
    """The columns that only one has, but for those of a key."""
    for ours, theirs, words in (
        (stored, declared, ("declared", "not")),
        (declared, stored, ("not declared", "declared")),
    ):
        names = {column.name for column in theirs}
        for column in ours:
            if column.name not in names and column.role is not Role.KEY:
                yield Difference(table, Aspect.COLUMN, f"column {column.name}", *words)


def _moved_between(stored: Declaration, declared: Declaration) -> Iterator[Difference]:
    """What was one column and is a list of rows now, or the other way round."""
    for one, other, words in (
        (stored, declared, ("one column", "a list of rows")),
        (declared, stored, ("a list of rows", "one column")),
    ):
        paths = {child.path for child in other.children}
        for path, columns in _tables_by_path(one).items():
            for column in columns:
                if (*path, column.name) in paths:
                    name = ".".join((*path, column.name))
                    yield Difference(stored.table, Aspect.KIND, f"field {name}", *words)


def _tables_by_path(declaration: Declaration) -> dict[tuple[str, ...], Sequence[Column]]:
    """The columns by the path of their list; the entity's own have an empty one."""
    lists = {child.path: child.columns for child in declaration.children}
    return {(): declaration.columns, **lists}


def _column(table: str, stored: Column, declared: Column) -> Iterator[Difference]:
    subject = f"column {stored.name}"
    if stored.kind is not declared.kind:
        kinds = (f"created for {stored.kind.value} values", f"declared as {declared.kind.value}")
        yield Difference(table, Aspect.KIND, subject, *kinds)
        return
    roles = {stored.role, declared.role}
    if roles == {Role.TRACKED, Role.UNTRACKED}:
        yield Difference(table, Aspect.ROLE, subject, stored.role.value, declared.role.value)
    if _other_limits(stored, declared):
        limits = (f"created for {_limit_words(stored)}", f"declared for {_limit_words(declared)}")
        yield Difference(table, Aspect.LIMIT, subject, *limits, column=stored.name)


def _nested(stored: Declaration, declared: Declaration) -> Iterator[Difference]:
    """What is untracked or left out inside JSON columns."""
    tables = {child.path: child for child in stored.children}
    pairs: list[tuple[str, Sequence[Column], Sequence[Column]]] = [
        (stored.table, stored.columns, declared.columns),
        *(
            (tables[child.path].name, tables[child.path].columns, child.columns)
            for child in declared.children
            if child.path in tables
        ),
    ]
    for table, before, now in pairs:
        known = {column.name: column for column in before}
        for column in now:
            if column.name in known:
                yield from _paths(table, known[column.name], column)


def _paths(table: str, stored: Column, declared: Column) -> Iterator[Difference]:
    before, now = stored.untracked_paths, declared.untracked_paths
    if set(before) != set(now):
        subject = f"what is untracked in {stored.name}"
        yield Difference(table, Aspect.UNTRACKED, subject, _listed(before), _listed(now))
    before, now = stored.excluded_paths, declared.excluded_paths
    if set(before) != set(now):
        subject = f"what is left out of {stored.name}"
        yield Difference(table, Aspect.EXCLUDED, subject, _listed(before), _listed(now))


def _lists(stored: Declaration, declared: Declaration) -> Iterator[Difference]:
    before = {child.path: child for child in stored.children}
    now = {child.path: child for child in declared.children}
    for path in sorted(before.keys() | now.keys()):
        if path in before and path in now:
            yield from _columns(before[path].name, before[path].columns, now[path].columns)
        elif path[:-1] in now or len(path) == 1:
            subject = f"the list {'.'.join(path)}"
            words = ("declared", "not") if path in before else ("not declared", "declared")
            yield Difference(stored.table, Aspect.LIST, subject, *words)


def _key(columns: Sequence[Column]) -> list[str]:
    return [column.name for column in columns if column.role is Role.KEY]


def _other_limits(stored: Column, declared: Column) -> bool:
    if _limits(stored) == _limits(declared):
        return False
    if stored.kind in _LIMITED and stored.fit == declared.fit:
        return True
    # Release 0.1.0 did not store those of other kinds, and stored a length of enums that is none.
    pairs = zip(_limits(stored), _limits(declared), strict=True)
    return any(
        before is not None and before != now
        for before, now in pairs
        if stored.kind is not Kind.ENUM or now is not None
    )


def _limits(column: Column) -> tuple[int | str | None, ...]:
    return column.length, column.precision, column.scale, column.fit


def _limit_words(column: Column) -> str:
    if column.fit == SINGLE:
        return "floats of 32 bits"
    if column.kind is Kind.INTEGER:
        return f"integers of {INTEGER_BITS.get(column.fit or '', 64)} bits"
    if column.kind in (Kind.DECIMAL, Kind.FLOAT):
        return _decimal_words(column.precision, column.scale)
    if column.kind is Kind.TIME:
        return f"{6 if column.scale is None else column.scale} digits of a second"
    unit = "bytes" if column.kind is Kind.BYTES else "characters"
    padded = ", padded with spaces" if column.fit == PADDED else ""
    known = f"any number of {unit}" if column.length is None else f"{column.length:,} {unit}"
    return f"{known}{padded}"


def _decimal_words(precision: int | None, scale: int | None) -> str:
    digits = "any number of digits" if precision is None else f"{precision} digits"
    return digits if scale is None else f"{digits}, {scale} of them after the point"


def _listed(names: Sequence[str]) -> str:
    return f"({', '.join(names)})"
