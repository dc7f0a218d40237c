"""From the history to the page."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterable, Sequence
from itertools import chain, islice

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import (
    Change,
    ChangeKind,
    Mover,
    Run,
    SnapshotHistory,
    State,
    TableInfo,
)
from scrapy_snapshot_pipeline.report import page_rows as rows
from scrapy_snapshot_pipeline.report.changes import entry
from scrapy_snapshot_pipeline.report.charts import run_charts
from scrapy_snapshot_pipeline.report.entities import entity_pages
from scrapy_snapshot_pipeline.report.fields import MOST
from scrapy_snapshot_pipeline.report.formatting import at_most, time_text
from scrapy_snapshot_pipeline.report.omissions import Omissions
from scrapy_snapshot_pipeline.report.options import ReportOptions
from scrapy_snapshot_pipeline.report.page import EntityRow, Page, TableCount
from scrapy_snapshot_pipeline.report.queries import COUNTED, distance, find
from scrapy_snapshot_pipeline.report.table_data import Anchors, TableData, name_anchors, place_of

RUNS = 200
"""Most crawls in the summary, the latest."""
_DEFAULT_TIME = dt.timedelta(days=7)


def build_page(history: SnapshotHistory, choice: ReportOptions, now: dt.datetime) -> Page:
    """Ask everything and bound it.  Raises HistoryError for a table or key that is not there."""
    runs = list(islice(history.runs(), RUNS + 1))
    since = choice.since or _default_since(runs, now)
    left_out = Omissions()
    infos = {info.name: info for info in _chosen(history.tables(), choice, left_out)}
    found = [find(history, info, choice, since) for info in infos.values()]
    anchors = name_anchors(found, choice.top)
    _note(left_out, found, runs, choice)
    entities = tuple(
        page for each in found for page in entity_pages(history, each, anchors, left_out)
    )
    left_out.pages(len(entities))
    return Page(
        made_at=time_text(now),
        since=time_text(since),
        tables=tuple(_count(each, choice) for each in found),
        runs=tuple(rows.run_row(run) for run in runs[:RUNS]),
        run_charts=run_charts(runs[:RUNS]),
        feed=tuple(
            entry(change, anchors.get(place_of(change)), infos[change.table])
            for change in _feed(found)[: choice.feed]
        ),
        movers=tuple(rows.mover_row(anchors, *moved) for moved in _ranked(found, choice.top)),
        new=_listed(anchors, (each.new[: choice.top] for each in found)),
        not_seen=_listed(anchors, (each.not_seen[: choice.top] for each in found)),
        entities=entities,
        left_out=left_out.told(),
    )


def _default_since(runs: Sequence[Run], now: dt.datetime) -> dt.datetime:
    return (runs[0].started_at if runs else now) - _DEFAULT_TIME


def _chosen(
    infos: Iterable[TableInfo], choice: ReportOptions, left_out: Omissions
) -> list[TableInfo]:
    known = {info.name: info for info in infos}
    unknown = [name for name in choice.tables if name not in known]
    if unknown:
        there = ", ".join(known) or "none"
        raise HistoryError(f"there is no table of entities {unknown[0]}; there are {there}")
    wanted = [info for name, info in known.items() if not choice.tables or name in choice.tables]
    fitting = [info for info in wanted if set(choice.where) <= set(info.key)]
    if wanted and not fitting:
        names = "; ".join(f"{info.name}: {', '.join(info.key)}" for info in wanted)
        raise HistoryError(f"no table has the key field(s) {', '.join(choice.where)}; {names}")
    left_out.tables(info.name for info in known.values() if info not in fitting)
    return fitting


def _feed(found: Iterable[TableData]) -> list[Change]:
    every = (each.changes for each in found)
    return list(heapq.merge(*every, key=lambda change: change.changed_at, reverse=True))


def _ranked(found: Iterable[TableData], top: int) -> list[tuple[str, Mover]]:
    every = chain.from_iterable(each.movers[:top] for each in found)
    return sorted(every, key=distance, reverse=True)


def _count(found: TableData, choice: ReportOptions) -> TableCount:
    changed = sum(change.kind is ChangeKind.CHANGED for change in found.changes[: choice.feed])
    cut = len(found.changes) > choice.feed
    return TableCount(
        name=found.info.name,
        new=at_most(found.new_count, COUNTED),
        changed=f"{changed:,}+" if cut else f"{changed:,}",
        not_seen=at_most(found.not_seen_count, COUNTED),
    )


def _note(
    left_out: Omissions, found: Sequence[TableData], runs: Sequence[Run], choice: ReportOptions
) -> None:
    left_out.more("crawls", len(runs), RUNS)
    left_out.more("changes", sum(len(each.changes) for each in found), choice.feed)
    for each in found:
        name = each.info.name
        left_out.more(f"movers of {name}", len(each.movers), choice.top)
        left_out.more(f"new entities of {name}", len(each.new), choice.top)
        left_out.more(f"entities of {name} that were not seen", len(each.not_seen), choice.top)
        left_out.more(f"numeric fields of {name}", len(each.fields), MOST)


def _listed(anchors: Anchors, lists: Iterable[Sequence[Change | State]]) -> tuple[EntityRow, ...]:
    return tuple(rows.entity_row(anchors, each) for each in chain.from_iterable(lists))
