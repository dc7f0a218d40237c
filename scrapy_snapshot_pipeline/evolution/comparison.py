"""What is declared beside what is stored, column by column, in words.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scrapy_snapshot_pipeline.declaration.tables import Column, Declaration, Role
from scrapy_snapshot_pipeline.evolution.rules import refused_changes

NOT_THERE = "-"
REFUSED = "refused"


class Compared(NamedTuple):
    """One column, or a key that is another one."""

    table: str
    column: str
    stored: str
    declared: str
    change: str
    """What a crawl makes of it; empty where nothing differs."""


def compared(stored: Declaration | None, declared: Declaration) -> Iterator[Compared]:
    """Every column of what is `stored`, the union of all shapes, and of what is `declared`.

    `stored` is None where the tables are not there yet.
    """
    refused = [] if stored is None else refused_changes(stored, declared)
    before = {} if stored is None else _tables(stored)
    now = _tables(declared)
    for table in dict.fromkeys((*now, *before)):
        yield from _columns(table, before.get(table), now.get(table))
    for each in refused:
        yield Compared(each.table, each.subject, each.stored, each.declared, REFUSED)


def _columns(
    table: str, stored: Sequence[Column] | None, declared: Sequence[Column] | None
) -> Iterator[Compared]:
    before = {column.name: column for column in stored or ()}
    now = {column.name: column for column in declared or ()}
    for name in dict.fromkeys((*now, *before)):
        one, other = before.get(name), now.get(name)
        change = "" if one is not None and other is not None else _change(stored, one)
        if one is not None and other is not None and _words(one) != _words(other):
            change = "goes on as declared" if one.kind is other.kind else REFUSED
        yield Compared(table, name, _words(one), _words(other), change)


def _change(stored: Sequence[Column] | None, column: Column | None) -> str:
    if column is not None:
        return "stays in the table, unused"
    return "table is created" if stored is None else "column is added"


def _words(column: Column | None) -> str:
    if column is None:
        return NOT_THERE
    limits = [column.length, column.precision, column.scale]
    known = ", ".join(str(limit) for limit in limits if limit is not None)
    role = "" if column.role is Role.TRACKED else f", {column.role.value}"
    return f"{column.kind.value}{f' ({known})' if known else ''}{role}"


def _tables(declaration: Declaration) -> dict[str, Sequence[Column]]:
    lists = {child.name: child.columns for child in declaration.children}
    return {declaration.table: declaration.columns, **lists}
