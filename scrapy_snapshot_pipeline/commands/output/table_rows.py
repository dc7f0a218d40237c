"""Results in the few columns that a terminal has room for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Context
from typing import NamedTuple

from scrapy_snapshot_pipeline.commands.output.json_output import json_line, plain_text
from scrapy_snapshot_pipeline.commands.output.terminal_table import TerminalTable
from scrapy_snapshot_pipeline.declaration.our_names import OurNames
from scrapy_snapshot_pipeline.history import (
    Change,
    ChangeKind,
    ChildChange,
    ChildKind,
    Difference,
    FieldChange,
    FieldStatistics,
    Mover,
    State,
)
from scrapy_snapshot_pipeline.history.flat.rows import met_fields
from scrapy_snapshot_pipeline.history.results import Fields, FieldValue, FlatRow
from scrapy_snapshot_pipeline.safe_text import counted, where_different

_SHORT = Context(prec=6)
_ENTITY = "entity, field"


def entity(key: Fields) -> str:
    """A key as one cell."""
    return ", ".join(map(plain_text, key.values()))


def state_table(states: Iterable[State]) -> Iterator[TerminalTable]:
    """One table, or none without states."""
    shown = list(states)
    met = met_fields(shown)
    rows = [_state_row(state, met) for state in shown]
    if rows:
        yield TerminalTable("", rows)


def _state_row(state: State, met: Iterable[str]) -> FlatRow:
    """The key, the time of the change, the fields and the sizes of the lists."""
    fields = {name: value for name, value in state.values.items() if name not in state.key}
    lists = {name: counted(len(rows), "row") for name, rows in state.children.items()}
    names = OurNames([*state.values, *lists, *met])
    changed = names.row({"changed_at": state.changed_at})
    seen = names.row({"last_confirmed_at": state.last_confirmed_at, "run_at": state.run_at})
    return {**state.key, **changed, **fields, **lists, **seen}


def change_rows(change: Change, untracked: Collection[str] = ()) -> Iterator[FlatRow]:
    """A row for the entity, then one for each field that changed, untracked fields last."""
    head = {"changed_at": change.changed_at, "kind": change.kind.value}
    yield {**head, _ENTITY: entity(change.key), "old": None, "new": None}
    yield from _under(dict.fromkeys(head), _change_lines(change, untracked))


def version_rows(change: Change, untracked: Collection[str] = ()) -> Iterator[FlatRow]:
    """The same for the versions of one entity, which is not named in each of them."""
    head: FlatRow = {"changed_at": change.changed_at, "kind": change.kind.value}
    seen: FlatRow = {"last_confirmed_at": change.last_confirmed_at, "run_at": change.run_at}
    for line in list(_change_lines(change, untracked)) or [_Line("")]:
        yield {**head, **line._asdict(), **seen}
        # Only the first row says which version it is.
        head, seen = dict.fromkeys(head), dict.fromkeys(seen)


def difference_rows(difference: Difference, untracked: Collection[str] = ()) -> Iterator[FlatRow]:
    """A row for the entity, then one for each field that differs, untracked fields last."""
    yield {"kind": difference.kind.value, _ENTITY: entity(difference.key), "old": None, "new": None}
    if difference.kind is ChildKind.CHANGED:
        lines = _lines(difference.lines(untracked))
    else:
        lines = iter([_extent(difference.fields, difference.children)])
    yield from _under({"kind": None}, lines)


def mover_row(mover: Mover) -> Iterator[FlatRow]:
    """One row."""
    relative = "" if mover.relative is None else f"{mover.relative:+.1%}"
    yield {
        **_entity_and_child(mover),
        "old": mover.old,
        "new": mover.new,
        "absolute": f"{mover.absolute:+f}",
        "relative": relative,
        "changed_at": mover.changed_at,
        "last_confirmed_at": mover.last_confirmed_at,
        "run_at": mover.run_at,
    }


def statistics_row(statistics: FieldStatistics) -> Iterator[FlatRow]:
    """One row, with the numbers before their times."""
    yield {
        **_entity_and_child(statistics),
        "lowest": statistics.lowest,
        "highest": statistics.highest,
        "mean": _SHORT.plus(statistics.mean),
        "last": statistics.last,
        "values": statistics.values,
        "lowest_at": statistics.lowest_at,
        "highest_at": statistics.highest_at,
    }


class _Line(NamedTuple):
    """What a table shows of one changed field or child row."""

    what: str
    old: object = None
    new: object = None


def _under(head: FlatRow, lines: Iterator[_Line]) -> Iterator[FlatRow]:
    """The rows of one change, indented below the row of its entity."""
    for what, old, new in lines:
        yield {**head, _ENTITY: f"  {what}", "old": old, "new": new}


def _entity_and_child(result: Mover | FieldStatistics) -> FlatRow:
    own = {"entity": entity(result.key)}
    return {**own, "child": " / ".join(map(entity, result.child))} if result.child else own


def _change_lines(change: Change, untracked: Collection[str]) -> Iterator[_Line]:
    if change.kind in {ChangeKind.NEW, ChangeKind.RETURNED}:
        return iter([_extent(change.fields, change.children)])
    if change.kind is ChangeKind.RETIRED:
        return iter(())
    return _lines(change.lines(untracked))


def _extent(fields: tuple[FieldChange, ...], children: tuple[ChildChange, ...]) -> _Line:
    rows = f", {counted(len(children), 'child row')}" if children else ""
    return _Line(f"({counted(len(fields), 'field')}{rows})")


def _lines(parts: Iterable[FieldChange | ChildChange]) -> Iterator[_Line]:
    for part in parts:
        if isinstance(part, ChildChange):
            yield from _child_lines(part)
        else:
            yield from _field_lines("", [part])


def _child_lines(child: ChildChange) -> Iterator[_Line]:
    path = _row_path(child)
    if child.kind is ChildKind.CHANGED:
        yield from _field_lines(f"{path}.", child.fields)
    else:
        yield _Line(f"{path} {child.kind.value}")


def _field_lines(prefix: str, fields: Iterable[FieldChange]) -> Iterator[_Line]:
    for change in fields:
        for leaf in change.leaves():
            yield _Line(f"{prefix}{leaf.field}", *_told_apart(leaf.old, leaf.new))


def _told_apart(old: FieldValue, new: FieldValue) -> tuple[FieldValue, FieldValue]:
    """As JSON where both would read alike: the text "10" and the number 10, or "" and None."""
    old_text, new_text = ("" if value is None else plain_text(value) for value in (old, new))
    if old_text == new_text:
        return json_line(old), json_line(new)
    if isinstance(old, str) and isinstance(new, str):
        return where_different(old, new)
    return old, new


def _row_path(child: ChildChange) -> str:
    """Where a child row is: `markets[1x2].selections[home]`."""
    names = child.path.split(".")
    keys = (*child.within, child.key)
    return ".".join(f"{name}[{entity(key)}]" for name, key in zip(names, keys, strict=True))
