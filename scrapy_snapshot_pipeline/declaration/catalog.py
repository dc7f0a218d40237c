"""What the database stores of a declaration, so that its tables can be read without the classes.

`snapshot_schema` holds one JSON text for each table.  This module writes and parses it.  Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Column, Declaration, Kind, Role

Text: TypeAlias = str
Parsed: TypeAlias = Mapping[str, Any]
"""The JSON object of one table."""

_LIMITS = ("length", "precision", "scale", "fit")
_PATHS = ("untracked_paths", "excluded_paths")


class _Unknown:
    """Stands for the item class, of which the database knows nothing."""


def describe(declaration: Declaration) -> dict[str, Text]:
    """The text to store for each table of `declaration`, by the table's name."""
    own = {"columns": _describe_columns(declaration.columns), "untyped": declaration.untyped}
    texts = {declaration.table: labelled(json.dumps(own), declaration.label)}
    for child in declaration.children:
        columns = _describe_columns(child.columns)
        description = {"columns": columns, "root": declaration.table, "path": child.path}
        texts[child.name] = json.dumps(description)
    return texts


def shape_text(declaration: Declaration) -> Text:
    """All that `describe` says, without the label, as one text."""
    described = describe(replace(declaration, label=None))
    return json.dumps({name: json.loads(text) for name, text in described.items()})


def shape_declaration(text: Text) -> Declaration:
    """The declaration of a `shape_text`, without the user's classes."""
    [declaration] = declarations({n: json.dumps(parsed) for n, parsed in json.loads(text).items()})
    return declaration


def labelled(text: Text, label: str | None) -> Text:
    """The text of an entity's table with this label in place of the one that it has."""
    parsed: dict[str, object] = json.loads(text)
    if parsed.pop("label", None) == label:
        return text
    return json.dumps(parsed if label is None else {**parsed, "label": label})


def declarations(texts: Mapping[str, Text]) -> list[Declaration]:
    """The declarations of all stored texts, which come by table; without the users' classes."""
    tables = {name: json.loads(text) for name, text in sorted(texts.items())}
    roots = (name for name, parsed in tables.items() if "root" not in parsed)
    return [_declaration(name, tables) for name in roots]


def _describe_columns(columns: Iterable[Column]) -> dict[str, dict[str, object]]:
    return {column.name: _describe_column(column) for column in columns}


def _describe_column(column: Column) -> dict[str, object]:
    limits = {name: getattr(column, name) for name in _LIMITS}
    known = {name: limit for name, limit in limits.items() if limit is not None}
    paths = {name: list(getattr(column, name)) for name in _PATHS if getattr(column, name)}
    return {"kind": column.kind.value, "role": column.role.value, **known, **paths}


def _declaration(root: str, tables: Mapping[str, Parsed]) -> Declaration:
    return Declaration(
        item_class=_Unknown,
        table=root,
        columns=_columns(tables[root]),
        children=_children(root, tables),
        untyped=tables[root]["untyped"],
        label=tables[root].get("label"),
    )


def _children(root: str, tables: Mapping[str, Parsed]) -> tuple[ChildTable, ...]:
    names = {
        tuple(parsed["path"]): name for name, parsed in tables.items() if parsed.get("root") == root
    }
    # Sorted by path, an enclosing list comes before the lists in it.
    indexes = {path: index for index, path in enumerate(sorted(names))}
    return tuple(
        ChildTable(
            name=names[path],
            path=path,
            parent=indexes[path[:-1]] if len(path) > 1 else None,
            columns=_columns(tables[names[path]]),
            item_class=_Unknown,
        )
        for path in indexes
    )


def _columns(parsed: Parsed) -> tuple[Column, ...]:
    return tuple(
        Column(name, Kind(column["kind"]), Role(column["role"]), **_facts(column))
        for name, column in parsed["columns"].items()
    )


def _facts(column: Parsed) -> dict[str, Any]:
    limits = {name: column[name] for name in _LIMITS if name in column}
    return {**limits, **{name: tuple(column[name]) for name in _PATHS if name in column}}
