"""What the database remembers of a declaration, so that it can be read without the classes.

`snapshot_schema` has one JSON text a table; here it is made and understood.  Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Column, Declaration, Kind, Role

Text: TypeAlias = str

_LIMITS = ("length", "precision", "scale")


class _Unknown:
    """Stands for the item class, of which the database knows nothing."""


def describe(declaration: Declaration) -> dict[str, Text]:
    """The text to store for each table of `declaration`, by the table's name."""
    own = {"columns": _columns(declaration.columns), "untyped": declaration.untyped}
    texts = {declaration.table: json.dumps(own)}
    for child in declaration.children:
        told = {
            "columns": _columns(child.columns),
            "root": declaration.table,
            "path": child.path,
        }
        texts[child.name] = json.dumps(told)
    return texts


def kinds(text: Text) -> dict[str, str]:
    """The kind of each column in a stored text."""
    return {name: column["kind"] for name, column in json.loads(text)["columns"].items()}


def declarations(texts: Mapping[str, Text]) -> list[Declaration]:
    """The declarations behind all stored texts, by table name; their classes are not the user's."""
    told = {name: json.loads(text) for name, text in sorted(texts.items())}
    roots = (name for name, each in told.items() if "root" not in each)
    return [_declaration(name, told) for name in roots]


def _columns(columns: Iterable[Column]) -> dict[str, dict[str, object]]:
    return {column.name: _column_text(column) for column in columns}


def _column_text(column: Column) -> dict[str, object]:
    limits = {name: getattr(column, name) for name in _LIMITS}
    known = {name: limit for name, limit in limits.items() if limit is not None}
    return {"kind": column.kind.value, "role": column.role.value, **known}


def _declaration(table: str, told: Mapping[str, Any]) -> Declaration:
    own = told[table]
    below = {
        tuple(each["path"]): (name, each)
        for name, each in told.items()
        if each.get("root") == table
    }
    # In the order of paths an enclosing list comes before the lists in it.
    places = {path: place for place, path in enumerate(sorted(below))}
    children = tuple(
        ChildTable(
            name=below[path][0],
            path=path,
            parent=_enclosing(path, places),
            columns=_read_columns(below[path][1]),
            item_class=_Unknown,
        )
        for path in places
    )
    return Declaration(
        item_class=_Unknown,
        table=table,
        columns=_read_columns(own),
        children=children,
        untyped=own["untyped"],
    )


def _enclosing(path: tuple[str, ...], places: Mapping[tuple[str, ...], int]) -> int | None:
    return places[path[:-1]] if len(path) > 1 else None


def _read_columns(told: Mapping[str, Any]) -> tuple[Column, ...]:
    return tuple(
        Column(
            name,
            Kind(column["kind"]),
            Role(column["role"]),
            **{limit: column[limit] for limit in _LIMITS if limit in column},
        )
        for name, column in told["columns"].items()
    )
