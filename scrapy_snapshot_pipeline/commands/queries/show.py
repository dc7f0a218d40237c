"""`scrapy snapshots show`: an entity as it is now, including its lists."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping

from scrapy_snapshot_pipeline.commands.output.output import Output
from scrapy_snapshot_pipeline.commands.output.table_rows import entity
from scrapy_snapshot_pipeline.commands.output.terminal_table import TerminalTable
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    TableCommand,
    entity_key,
    key_filter,
)
from scrapy_snapshot_pipeline.declaration.our_names import OurNames
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import ChildState, SnapshotHistory, State, TableInfo
from scrapy_snapshot_pipeline.history.results import FlatRow, times_of


class Show(TableCommand):
    """Shows current states, one after the other."""

    summary = "show entities as they are now, with all fields and lists"
    example = "scrapy snapshots show --table TABLE --key FIELD=VALUE"

    def query_table(
        self, history: SnapshotHistory, table: TableInfo, options: argparse.Namespace
    ) -> Output[State]:
        key = key_filter(options)
        results = history.current(table.name, where=key)
        if set(key) == set(table.key) and next(iter(results), None) is None:
            _explain_absence(history, table, options)
        return Output(results, _tables, varying=table.untyped)


def _explain_absence(
    history: SnapshotHistory, table: TableInfo, options: argparse.Namespace
) -> None:
    """Raise HistoryError if the entity is gone, NoSuchEntityError if it never was there."""
    history.versions(table.name, entity_key(options))
    raise HistoryError(
        f"this entity of {table.name} is gone; see scrapy snapshots history with the same --key"
    )


def _tables(states: Iterable[State]) -> Iterator[TerminalTable]:
    for state in states:
        names = OurNames(state.values)
        values = {**state.values, **names.row(times_of(state))}
        rows = [{"field": name, "value": value} for name, value in values.items()]
        yield TerminalTable(entity(state.key), rows)
        lists: dict[str, list[FlatRow]] = {}
        _gather(state.children, (), lists)
        yield from (TerminalTable(path, list_rows) for path, list_rows in lists.items())


def _gather(
    children: Mapping[str, tuple[ChildState, ...]],
    above: tuple[str, ...],
    lists: dict[str, list[FlatRow]],
) -> None:
    """Collect the rows of each list by its path, from all rows that enclose such a list."""
    for rows in children.values():
        for row in rows:
            names = OurNames(row.values)
            inside = names.row({"in": " / ".join(above)}) if above else {}
            flat = {**inside, **row.values, **names.row({"changed_at": row.changed_at})}
            lists.setdefault(row.path, []).append(flat)
            _gather(row.children, (*above, entity(row.key)), lists)
