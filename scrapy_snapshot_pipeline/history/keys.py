"""Natural keys as callers give them: read, turned into ids and conditions, and looked up."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.sql.expression import ColumnElement, FromClause

from scrapy_snapshot_pipeline.capture import canonical
from scrapy_snapshot_pipeline.capture.coerce import coercer
from scrapy_snapshot_pipeline.capture.values.coerce_error import CoerceError
from scrapy_snapshot_pipeline.declaration.tables import Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.errors import HistoryError, NoSuchEntityError
from scrapy_snapshot_pipeline.history.connection.transactions import Reader
from scrapy_snapshot_pipeline.history.queries import Queries
from scrapy_snapshot_pipeline.safe_text import counted

Key: TypeAlias = "Mapping[str, object] | Sequence[object] | str | int"
Where: TypeAlias = "Mapping[str, object] | None"

_NEIGHBOURS = 500
"""Keys on each side, in the order of the index, among which similar ones are searched for."""
_SIMILAR = 3
"""Most similar keys in an error."""
_LEAST_SIMILAR = 0.5
"""Of 1, the least similarity of a key that is shown."""


def read_key(declaration: Declaration, key: Key) -> dict[str, object]:
    """The coerced values of all key fields, by name.  Raises HistoryError."""
    columns = _key_columns(declaration)
    given = dict(key) if isinstance(key, Mapping) else _by_name(declaration, list(columns), key)
    if set(given) != set(columns):
        names = ", ".join(columns)
        raise HistoryError(
            f"the key of {declaration.table} consists of {names}; give a value for each"
        )
    return {name: _coerced(declaration, column, given[name]) for name, column in columns.items()}


def _by_name(
    declaration: Declaration, names: Sequence[str], key: Sequence[object] | str | int
) -> dict[str, object]:
    values = [key] if isinstance(key, (str, int)) or not isinstance(key, Sequence) else key
    if len(values) != len(names):
        raise HistoryError(
            f"the key of {declaration.table} has {counted(len(names), 'field')} "
            f"({', '.join(names)}), but got {counted(len(values), 'value')}"
        )
    return dict(zip(names, values, strict=True))


def entity_id(declaration: Declaration, key: Mapping[str, object]) -> bytes:
    """The id for a key that `read_key` returned; the database is not asked."""
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
            f"{unknown[0]} is not a key field of {declaration.table}; "
            f"filter by {', '.join(columns)}"
        )
    wanted = {name: _wanted(declaration, columns[name], value) for name, value in where.items()}
    if set(wanted) == set(columns) and all(len(values) == 1 for values in wanted.values()):
        whole = {name: values[0] for name, values in wanted.items()}
        return [table.c.entity_id == entity_id(declaration, whole)]
    return [_any_of(table.c[name], values) for name, values in wanted.items()]


def known_entity(reader: Reader, queries: Queries, key: Key) -> bytes:
    """The id of a stored entity.

    Raises HistoryError for a key that makes no sense, and NoSuchEntityError for an unknown one.
    """
    declaration = queries.entity.declaration
    wanted = read_key(declaration, key)
    entity = entity_id(declaration, wanted)
    found = sa.select(queries.v.c.entity_id).where(queries.v.c.entity_id == entity).limit(1)
    with reader.reading() as connection:
        if connection.execute(found).first() is not None:
            return entity
        first = next(iter(wanted.values()))
        near = list(queries.neighbours(connection, first, _NEIGHBOURS))
    raise NoSuchEntityError(_no_such(declaration, wanted, near))


def _no_such(
    declaration: Declaration, key: Mapping[str, object], near: Iterable[Mapping[str, object]]
) -> str:
    known = sorted({_key_text(each) for each in near})
    similar = difflib.get_close_matches(_key_text(key), known, _SIMILAR, _LEAST_SIMILAR)
    problem = f"table {declaration.table} has no entity with key {_key_text(key)}"
    if not similar:
        return problem
    return f"{problem}; {counted(len(similar), 'similar key')}: {'; '.join(similar)}"


def _key_text(key: Mapping[str, object]) -> str:
    return ", ".join(map(str, key.values()))


def _key_columns(declaration: Declaration) -> dict[str, Column]:
    return {c.name: c for c in declaration.columns if c.role is Role.KEY}


def _wanted(declaration: Declaration, column: Column, value: object) -> list[object]:
    values = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    return [_coerced(declaration, column, each) for each in values]


def _any_of(column: ColumnElement[object], values: Sequence[object]) -> ColumnElement[bool]:
    return column == values[0] if len(values) == 1 else column.in_(values)


def _coerced(declaration: Declaration, column: Column, value: object) -> object:
    name = f"{declaration.table}.{column.name}"
    if value is None:
        raise HistoryError(f"{name} is part of the key, which is never None; give a value")
    # The class of an enum is not known here; what is stored is a text.
    stored = Column(column.name, Kind.TEXT, column.role) if column.kind is Kind.ENUM else column
    try:
        return coercer(stored)(value)
    except CoerceError as error:
        raise HistoryError(f"{name}: {error.problem}") from None
