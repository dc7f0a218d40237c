"""`scrapy snapshots show`: an entity as it is now, its lists included."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping

from scrapy_snapshot_pipeline.commands.output.output import Output
from scrapy_snapshot_pipeline.commands.output.table_rows import entity
from scrapy_snapshot_pipeline.commands.output.terminal_table import Grid
from scrapy_snapshot_pipeline.commands.queries.query_command import (
    QueryCommand,
    add_table_options,
    chosen_table,
    where,
    whole_key,
)
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import ChildState, SnapshotHistory, State, TableInfo
from scrapy_snapshot_pipeline.history.results import FlatRow

_TIMES = ("changed_at", "last_confirmed_at", "run_at")


class Show(QueryCommand):
    """Shows current states, one after the other."""

    summary = "show entities as they are now, with all fields and lists"
    example = "scrapy snapshots show --table competitor_odds_snapshot --key match=arsenal-chelsea"

    def own_options(self, parser: argparse.ArgumentParser) -> None:
        """See `QueryCommand`."""
        add_table_options(parser)

    def ask(self, history: SnapshotHistory, options: argparse.Namespace) -> Output[State]:
        """See `QueryCommand`."""
        table = chosen_table(history, options)
        wanted = where(options)
        found = history.current(table.name, where=wanted)
        if set(wanted) == set(table.key) and next(iter(found), None) is None:
            _explain_absence(history, table, options)
        return Output(found, _grids, varying=table.untyped)


def _explain_absence(
    history: SnapshotHistory, table: TableInfo, options: argparse.Namespace
) -> None:
    """Raises NoSuchEntityError where the entity was never there."""
    history.versions(table.name, whole_key(options))
    raise HistoryError(
        f"this entity of {table.name} is gone; see scrapy snapshots history with the same --key"
    )


def _grids(states: Iterable[State]) -> Iterator[Grid]:
    for state in states:
        values = {**state.values, **{name: getattr(state, name) for name in _TIMES}}
        rows = [{"field": name, "value": value} for name, value in values.items()]
        yield Grid(entity(state.key), rows)
        lists: dict[str, list[FlatRow]] = {}
        _gather(state.children, (), lists)
        yield from (Grid(path, found) for path, found in lists.items())


def _gather(
    children: Mapping[str, tuple[ChildState, ...]],
    above: tuple[str, ...],
    lists: dict[str, list[FlatRow]],
) -> None:
    """The rows of each list by its path, whatever rows they are in."""
    for rows in children.values():
        for row in rows:
            inside = {"in": " / ".join(above)} if above else {}
            told = {**inside, **row.values, "changed_at": row.changed_at}
            lists.setdefault(row.path, []).append(told)
            _gather(row.children, (*above, entity(row.key)), lists)
