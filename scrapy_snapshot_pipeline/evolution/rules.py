"""Which changes of a class its stored history can take, and which need another table.  Pure.

A change is *additive* where every stored value still means what it meant: fields and lists may
come, go and come back, a limit may move, and a field may be tracked or not.  A change of what
identifies an entity, or of the values that a column holds, is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from scrapy_snapshot_pipeline.declaration.differences import Aspect, Difference, differences
from scrapy_snapshot_pipeline.declaration.tables import Column, Declaration

_ADDITIVE = frozenset({Aspect.COLUMN, Aspect.LIST, Aspect.ROLE, Aspect.UNTRACKED, Aspect.EXCLUDED})


def refused_changes(stored: Declaration, declared: Declaration) -> list[Difference]:
    """Those of the changes from `stored`, the union of all shapes, that are not additive."""
    columns = dict(_columns(stored)), dict(_columns(declared))
    return [
        change
        for change in differences(stored, declared)
        if change.aspect not in _ADDITIVE and not _moves_limit(change, *columns)
    ]


def _moves_limit(
    change: Difference,
    stored: dict[tuple[str, str], Column],
    declared: dict[tuple[str, str], Column],
) -> bool:
    """Whether only a limit differs, above and below which values are the same."""
    if change.aspect is not Aspect.LIMIT or change.column is None:
        return False
    place = change.table, change.column
    one, other = stored[place], declared[place]
    return (one.scale, one.fit) == (other.scale, other.fit)


def _columns(declaration: Declaration) -> Iterator[tuple[tuple[str, str], Column]]:
    tables = [(declaration.table, declaration.columns)]
    tables += [(child.name, child.columns) for child in declaration.children]
    for table, columns in tables:
        for column in columns:
            yield (table, column.name), column
