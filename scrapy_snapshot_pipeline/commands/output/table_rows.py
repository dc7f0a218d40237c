"""Results in the few columns that a terminal has room for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Context

from scrapy_snapshot_pipeline.commands.output.json_output import json_line, plain_text
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
from scrapy_snapshot_pipeline.history.results import Fields, FieldValue, FlatRow
from scrapy_snapshot_pipeline.safe_text import counted

_SHORT = Context(prec=6)
_ENTITY = "entity, field"


def entity(key: Fields) -> str:
    """A key in one cell."""
    return ", ".join(map(plain_text, key.values()))


def state_rows(state: State) -> Iterator[FlatRow]:
    """One line: the key, when it came to be so, and the fields."""
    fields = {name: value for name, value in state.values.items() if name not in state.key}
    lists = {name: counted(len(rows), "row") for name, rows in state.children.items()}
    seen = {"last_confirmed_at": state.last_confirmed_at, "run_at": state.run_at}
    yield {**state.key, "changed_at": state.changed_at, **fields, **lists, **seen}


def change_rows(change: Change, untracked: Collection[str] = ()) -> Iterator[FlatRow]:
    """A line for the entity, and one for each field of it that changed, the untracked ones last."""
    head = {"changed_at": change.changed_at, "kind": change.kind.value}
    yield {**head, _ENTITY: entity(change.key), "old": None, "new": None}
    yield from _under(dict.fromkeys(head), _change_lines(change, untracked))


def version_rows(change: Change, untracked: Collection[str] = ()) -> Iterator[FlatRow]:
    """The same for the history of one entity."""
    head: FlatRow = {"changed_at": change.changed_at, "kind": change.kind.value}
    seen: FlatRow = {"last_confirmed_at": change.last_confirmed_at, "run_at": change.run_at}
    for line in list(_change_lines(change, untracked)) or [_line("", None, None)]:
        yield {**head, **line, **seen}
        # Only the first line says which version it is.
        head, seen = dict.fromkeys(head), dict.fromkeys(seen)


def difference_rows(difference: Difference, untracked: Collection[str] = ()) -> Iterator[FlatRow]:
    """A line for the entity, and one for each field of it that differs, the untracked ones last."""
    yield {"kind": difference.kind.value, _ENTITY: entity(difference.key), "old": None, "new": None}
    if difference.kind is ChildKind.CHANGED:
        lines = _lines(difference.fields, difference.children, untracked)
    else:
        lines = iter([_extent(difference.fields, difference.children)])
    yield from _under({"kind": None}, lines)


def mover_line(mover: Mover) -> Iterator[FlatRow]:
    """One line."""
    relative = "" if mover.relative is None else f"{mover.relative:+.1%}"
    yield {
        **_whose(mover),
        "old": mover.old,
        "new": mover.new,
        "absolute": f"{mover.absolute:+f}",
        "relative": relative,
        "changed_at": mover.changed_at,
        "last_confirmed_at": mover.last_confirmed_at,
        "run_at": mover.run_at,
    }


def statistics_rows(found: FieldStatistics) -> Iterator[FlatRow]:
    """One line, the numbers before their times."""
    yield {
        **_whose(found),
        "lowest": found.lowest,
        "highest": found.highest,
        "mean": _SHORT.plus(found.mean),
        "last": found.last,
        "values": found.values,
        "lowest_at": found.lowest_at,
        "highest_at": found.highest_at,
    }


def _under(head: FlatRow, lines: Iterator[FlatRow]) -> Iterator[FlatRow]:
    """The lines of one change, below the line of its entity."""
    for line in lines:
        yield {**head, _ENTITY: f"  {line['what']}", "old": line["old"], "new": line["new"]}


def _whose(found: Mover | FieldStatistics) -> FlatRow:
    own = {"entity": entity(found.key)}
    return {**own, "child": " / ".join(map(entity, found.child))} if found.child else own


def _change_lines(change: Change, untracked: Collection[str]) -> Iterator[FlatRow]:
    if change.kind in {ChangeKind.NEW, ChangeKind.RETURNED}:
        return iter([_extent(change.fields, change.children)])
    if change.kind is ChangeKind.RETIRED:
        return iter(())
    return _lines(change.fields, change.children, untracked)


def _extent(fields: tuple[FieldChange, ...], children: tuple[ChildChange, ...]) -> FlatRow:
    rows = f", {counted(len(children), 'child row')}" if children else ""
    return _line(f"({counted(len(fields), 'field')}{rows})", None, None)


def _lines(
    fields: tuple[FieldChange, ...],
    children: tuple[ChildChange, ...],
    untracked: Collection[str],
) -> Iterator[FlatRow]:
    yield from _field_lines("", (field for field in fields if field.field not in untracked))
    yield from _child_lines(children)
    yield from _field_lines("", (field for field in fields if field.field in untracked))


def _child_lines(children: tuple[ChildChange, ...]) -> Iterator[FlatRow]:
    for child in children:
        place = _place(child)
        if child.kind is ChildKind.CHANGED:
            yield from _field_lines(f"{place}.", child.fields)
        else:
            yield _line(f"{place} {child.kind.value}", None, None)


def _field_lines(prefix: str, fields: Iterable[FieldChange]) -> Iterator[FlatRow]:
    for change in fields:
        for leaf in change.leaves():
            yield _line(f"{prefix}{leaf.field}", *_told_apart(leaf.old, leaf.new))


def _told_apart(old: FieldValue, new: FieldValue) -> tuple[FieldValue, FieldValue]:
    """As JSON where both would read alike: the text "10" and the number 10, or "" and None."""
    old_text, new_text = ("" if value is None else plain_text(value) for value in (old, new))
    return (json_line(old), json_line(new)) if old_text == new_text else (old, new)


def _line(what: str, old: object, new: object) -> FlatRow:
    return {"what": what, "old": old, "new": new}


def _place(child: ChildChange) -> str:
    """`markets[1x2].selections[home]`."""
    names = child.path.split(".")
    keys = (*child.within, child.key)
    return ".".join(f"{name}[{entity(key)}]" for name, key in zip(names, keys, strict=True))
