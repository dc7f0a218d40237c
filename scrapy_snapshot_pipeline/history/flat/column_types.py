"""What is declared of the columns of flat rows, so that their types depend on no value.

A class without types declares only its key: of all other columns the values decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scrapy_snapshot_pipeline.declaration.our_names import OurNames
from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.records import COUNTERS


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of some flat rows, in their order."""

    known: Mapping[str, Column]
    complete: bool = True
    """Whether the rows have just these."""
    likely: Mapping[str, Column] | None = None
    """What a column is if it has no values by which to tell, where `known` lacks it."""


def state_columns(declaration: Declaration, path: str | None = None) -> Columns:
    """Of states and whole versions, or of the rows of the list at `path` in them."""
    if path is not None:
        return _list_columns(declaration, path)
    if declaration.untyped:
        keys = (c for c in declaration.columns if c.role is Role.KEY)
        return Columns(_by_name(keys), complete=False, likely=_OURS)
    return Columns(_with_ours(_by_name(declaration.columns), _OURS))


def _list_columns(declaration: Declaration, path: str) -> Columns:
    keys = _by_name(c for c in declaration.columns if c.role is Role.KEY)
    lists = {".".join(child.path): child for child in declaration.children}
    around: dict[str, Column] = {}
    for above in _enclosing(lists, path):
        around |= {f"{above}.{c.name}": c for c in lists[above].columns if c.role is Role.KEY}
    own = {f"{path}.{c.name}" if c.name in keys else c.name: c for c in lists[path].columns}
    return Columns(_with_ours({**keys, **around, **own}, {"changed_at": _TIME}))


def change_columns(declaration: Declaration) -> Columns:
    """Of changes, field by field."""
    times = dict.fromkeys(("changed_at", "last_confirmed_at", "run_at"), _TIME)
    return _of_entity(declaration, {"kind": _TEXT, **times, **_LINE}, table=True)


def difference_columns(declaration: Declaration) -> Columns:
    """Of differences, field by field."""
    return _of_entity(declaration, {"kind": _TEXT, **_LINE}, table=True)


def mover_columns(declaration: Declaration) -> Columns:
    """Of movers."""
    numbers = {"old": _DECIMAL, "new": _DECIMAL, "absolute": _DECIMAL, "relative": _FLOAT}
    times = dict.fromkeys(("changed_at", "last_confirmed_at", "run_at"), _TIME)
    return _of_entity(declaration, {"child": _TEXT, **numbers, **times})


def statistics_columns(declaration: Declaration) -> Columns:
    """Of statistics."""
    extremes = {
        "lowest": _DECIMAL,
        "lowest_at": _TIME,
        "highest": _DECIMAL,
        "highest_at": _TIME,
    }
    others = {"mean": _DECIMAL, "last": _DECIMAL, "values": _INTEGER}
    return _of_entity(declaration, {"child": _TEXT, **extremes, **others})


def step_columns(declaration: Declaration) -> Columns:
    """Of steps."""
    times = dict.fromkeys(("changed_at", "valid_to", "last_confirmed_at"), _TIME)
    return _of_entity(declaration, {"child": _TEXT, "value": _DECIMAL, **times})


def _of_entity(
    declaration: Declaration, others: Mapping[str, Column], *, table: bool = False
) -> Columns:
    keys = {f"key.{c.name}": c for c in declaration.columns if c.role is Role.KEY}
    return Columns({**({"table": _TEXT} if table else {}), **keys, **others})


def _by_name(columns: Iterable[Column]) -> dict[str, Column]:
    return {column.name: column for column in columns}


def _with_ours(fields: Mapping[str, Column], ours: Mapping[str, Column]) -> dict[str, Column]:
    return {**fields, **OurNames(fields).row(ours)}


def _enclosing(lists: Mapping[str, ChildTable], path: str) -> list[str]:
    """The paths of the lists around a list, outermost first."""
    names = lists[path].path
    return [".".join(names[:length]) for length in range(1, len(names))]


def _of(kind: Kind) -> Column:
    return Column("", kind, Role.TRACKED)


_TIME, _TEXT, _INTEGER, _DECIMAL, _FLOAT, _ID, _ANY = map(
    _of,
    (
        Kind.DATETIME,
        Kind.TEXT,
        Kind.INTEGER,
        Kind.DECIMAL,
        Kind.FLOAT,
        Kind.UUID,
        Kind.JSON,
    ),
)
_OURS = {
    "changed_at": _TIME,
    "last_confirmed_at": _TIME,
    "run_at": _TIME,
    "valid_to": _TIME,
    "run_id": _ID,
}
_LINE = {
    "list": _TEXT,
    "child": _TEXT,
    "child_kind": _TEXT,
    "field": _TEXT,
    "old": _ANY,
    "new": _ANY,
}
RUN_COLUMNS = Columns(
    {
        "run_id": _ID,
        "spider": _TEXT,
        "started_at": _TIME,
        "finished_at": _TIME,
        "status": _TEXT,
        "finish_reason": _TEXT,
        **dict.fromkeys(COUNTERS, _INTEGER),
        "kind": _TEXT,
        "resumes": _ID,
        "seen": _ANY,
    }
)
"""Of runs."""
UNKNOWN = Columns({}, complete=False)
"""Of rows of which nothing is declared."""
