"""What a class declares of its tables, as shapes that are numbered and known by their content.

A *shape* is what one declaration says of one entity's tables: its columns and lists, with their
kinds, roles and limits.  The order of the fields is no part of it, and neither is the label.  The
tables hold the *union* of all their shapes.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from scrapy_snapshot_pipeline.declaration.differences import differences
from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Column, Declaration, Role


class Shape(NamedTuple):
    """One of the shapes of an entity's tables."""

    number: int
    """From 1, in the order in which they were first used."""
    declaration: Declaration


def same_shape(one: Declaration, other: Declaration) -> bool:
    """Whether both declare the same of their tables."""
    return not differences(one, other)


def find_shape(shapes: Iterable[Shape], declared: Declaration) -> Shape | None:
    """The newest shape that the class declares; None where it is a new one."""
    found = [shape for shape in shapes if same_shape(shape.declaration, declared)]
    return max(found, default=None)


def same_lists(one: Declaration, other: Declaration) -> bool:
    """Whether both make the same hashes of the rows of all lists that they have in common."""
    lists = {child.path: _hashed(child.columns) for child in one.children}
    return all(
        lists[child.path] == _hashed(child.columns)
        for child in other.children
        if child.path in lists
    )


def hides(older: Declaration, before: Iterable[Declaration], declared: Declaration) -> bool:
    """Whether rows of `older` may hold values that its hash leaves out, and that of `declared` not.

    They hold those of fields that `older` has but does not track, and of fields and lists that it
    lost: `before` are the shapes whose rows it has taken over.
    """
    taken, own = [_tables(each) for each in before], _tables(older)
    for path, columns in _tables(declared).items():
        earlier = [each[path] for each in taken if path in each]
        if path not in own and earlier:
            return True
        tracked = [c for c in columns.values() if c.role is Role.TRACKED]
        if any(_is_hidden(column, own.get(path, {}), earlier) for column in tracked):
            return True
    return False


def _is_hidden(
    column: Column, own: Mapping[str, Column], earlier: Iterable[Mapping[str, Column]]
) -> bool:
    stored = own.get(column.name)
    if stored is None:
        return any(column.name in columns for columns in earlier)
    lost = set(stored.untracked_paths).difference(column.untracked_paths)
    return stored.role is Role.UNTRACKED or bool(lost)


def _tables(declaration: Declaration) -> dict[tuple[str, ...], dict[str, Column]]:
    """The columns by name, by the path of their list; the entity's own have an empty one."""
    lists = {child.path: child.columns for child in declaration.children}
    tables = {(): declaration.columns, **lists}
    return {path: {c.name: c for c in columns} for path, columns in tables.items()}


def union(stored: Declaration, declared: Declaration) -> Declaration:
    """What the tables hold when a class has been declared beside what they hold already.

    The wider limit counts, and else what is declared now.  The columns that are declared come
    first.
    """
    lists = {child.path: child for child in stored.children}
    for child in declared.children:
        before = lists.get(child.path)
        columns = child.columns if before is None else _joined(before.columns, child.columns)
        lists[child.path] = replace(child, columns=columns)
    return replace(
        declared,
        columns=_joined(stored.columns, declared.columns),
        children=_nested(lists.values()),
    )


def common(one: Declaration, other: Declaration) -> Declaration:
    """What both have and track, as far as the two can be compared; `other` gives the rest."""
    lists = {child.path: child for child in one.children}
    children = [
        replace(child, columns=_common(lists[child.path].columns, child.columns))
        for child in other.children
        if child.path in lists
    ]
    columns = _common(one.columns, other.columns)
    return replace(other, columns=columns, children=_nested(children))


def _hashed(columns: Iterable[Column]) -> set[tuple[object, ...]]:
    return {
        (column.name, column.kind, column.untracked_paths, column.excluded_paths)
        for column in columns
        if column.role is Role.TRACKED
    }


def _joined(stored: Sequence[Column], declared: Sequence[Column]) -> tuple[Column, ...]:
    before = {column.name: column for column in stored}
    now = [_widest(before.pop(c.name), c) if c.name in before else c for c in declared]
    return (*now, *before.values())


def _widest(stored: Column, declared: Column) -> Column:
    return replace(
        declared,
        length=_most(stored.length, declared.length),
        precision=_most(stored.precision, declared.precision),
    )


def _most(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


def _common(one: Sequence[Column], other: Sequence[Column]) -> tuple[Column, ...]:
    known = {column.name: column for column in one}
    both = [(known[column.name], column) for column in other if column.name in known]
    return tuple(_compared(*pair) for pair in both if Role.UNTRACKED not in {c.role for c in pair})


def _compared(one: Column, other: Column) -> Column:
    """The column without what either leaves out of a JSON value."""
    return replace(
        other,
        untracked_paths=_all(one.untracked_paths, other.untracked_paths),
        excluded_paths=_all(one.excluded_paths, other.excluded_paths),
    )


def _all(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _nested(children: Iterable[ChildTable]) -> tuple[ChildTable, ...]:
    """The lists, each after the one that encloses it.  A list without that one is left out."""
    by_path = {child.path: child for child in children}
    whole = sorted(path for path in by_path if _enclosing(path) <= by_path.keys())
    indexes = {path: index for index, path in enumerate(whole)}
    return tuple(
        replace(by_path[path], parent=indexes[path[:-1]] if len(path) > 1 else None)
        for path in whole
    )


def _enclosing(path: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {path[:length] for length in range(1, len(path))}
