"""Natural keys as callers give them: understood, turned into ids and conditions, and searched."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from sqlalchemy.sql.expression import ColumnElement, FromClause

from scrapy_snapshot_pipeline.capture import canonical
from scrapy_snapshot_pipeline.capture.coerce import CoerceError, coercer
from scrapy_snapshot_pipeline.declaration.tables import Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.errors import HistoryError

Key: TypeAlias = "Mapping[str, object] | Sequence[object] | str | int"
Where: TypeAlias = "Mapping[str, object] | None"

SIMILAR = 3
_LEAST_SIMILAR = 0.5


def read_key(declaration: Declaration, key: Key) -> dict[str, object]:
    """The coerced values of all key fields, by name.  Raises HistoryError."""
    columns = _key_columns(declaration)
    names = ", ".join(columns)
    if isinstance(key, Mapping):
        given = dict(key)
    else:
        values = [key] if isinstance(key, (str, int)) or not isinstance(key, Sequence) else key
        if len(values) != len(columns):
            raise HistoryError(
                f"the key of {declaration.table} has {len(columns)} field(s) ({names}), "
                f"and {len(values)} value(s) were given"
            )
        given = dict(zip(columns, values, strict=True))
    if set(given) != set(columns):
        raise HistoryError(f"the key of {declaration.table} is {names}; give a value for each")
    return {name: _coerced(declaration, columns[name], given[name]) for name in columns}


def entity_id(declaration: Declaration, key: Mapping[str, object]) -> bytes:
    """Of a key that `read_key` gave; no database is asked."""
    columns = sorted(_key_columns(declaration).values(), key=lambda column: column.name)
    texts = [canonical.field_text(column)(key[column.name]) for column in columns]
    return canonical.entity_id(canonical.row_bytes("".join(texts)))


def conditions(
    declaration: Declaration, table: FromClause, where: Where
) -> list[ColumnElement[bool]]:
    """What `where` means for the version table.  Raises HistoryError."""
    if not where:
        return []
    columns = _key_columns(declaration)
    unknown = sorted(set(where) - set(columns))
    if unknown:
        raise HistoryError(
            f"{unknown[0]} is no key field of {declaration.table}; filter by {', '.join(columns)}"
        )
    wanted = {name: _wanted(declaration, columns[name], where[name]) for name in where}
    if set(wanted) == set(columns) and all(len(values) == 1 for values in wanted.values()):
        whole = {name: values[0] for name, values in wanted.items()}
        return [table.c.entity_id == entity_id(declaration, whole)]
    return [_any_of(table.c[name], values) for name, values in wanted.items()]


def no_such(
    declaration: Declaration, key: Mapping[str, object], near: Iterable[Mapping[str, object]]
) -> str:
    """The text for a key that nothing has."""
    texts = sorted({shown(each) for each in near})
    similar = difflib.get_close_matches(shown(key), texts, SIMILAR, _LEAST_SIMILAR)
    told = f"; {len(similar)} similar keys: {'; '.join(similar)}" if similar else ""
    told = told.replace("1 similar keys", "1 similar key")
    return f"table {declaration.table} has no entity with key {shown(key)}{told}"


def shown(key: Mapping[str, object]) -> str:
    """A key in one line."""
    return ", ".join(str(value) for value in key.values())


def _key_columns(declaration: Declaration) -> dict[str, Column]:
    return {c.name: c for c in declaration.columns if c.role is Role.KEY}


def _wanted(declaration: Declaration, column: Column, value: object) -> list[object]:
    several = isinstance(value, (list, tuple, set, frozenset))
    values = list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]
    if several and not values:
        return []
    return [_coerced(declaration, column, each) for each in values]


def _any_of(column: ColumnElement[object], values: Sequence[object]) -> ColumnElement[bool]:
    return column == values[0] if len(values) == 1 else column.in_(values)


def _coerced(declaration: Declaration, column: Column, value: object) -> object:
    if column.kind is Kind.JSON or value is None:
        raise HistoryError(f"{declaration.table}.{column.name} cannot be looked for by this value")
    # The class of an enum is not known here; stored is its text.
    told = Column(column.name, Kind.TEXT, column.role) if column.kind is Kind.ENUM else column
    try:
        return coercer(told)(value)
    except CoerceError as error:
        raise HistoryError(f"{declaration.table}.{column.name}: {error.problem}") from None
