"""Builds the page from the history."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterable, Sequence
from itertools import chain, islice

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import (
    Change,
    Mover,
    Run,
    SnapshotHistory,
    State,
    TableInfo,
)
from scrapy_snapshot_pipeline.report import page_rows as rows
from scrapy_snapshot_pipeline.report.charts import run_charts
from scrapy_snapshot_pipeline.report.entities import entity_pages
from scrapy_snapshot_pipeline.report.formatting import time_text
from scrapy_snapshot_pipeline.report.omissions import Omissions
from scrapy_snapshot_pipeline.report.options import ReportOptions
from scrapy_snapshot_pipeline.report.page import EntityRow, Page, TableCount
from scrapy_snapshot_pipeline.report.queries import NUMERIC_FIELDS, distance, query_table
from scrapy_snapshot_pipeline.report.table_data import (
    Anchors,
    Labels,
    TableData,
    entity_ref,
    labels_of,
    name_anchors,
)
from scrapy_snapshot_pipeline.safe_text import printable

RUNS = 200
"""Most crawls in the summary, the latest ones."""
_DEFAULT_TIME = dt.timedelta(days=7)


def build_page(history: SnapshotHistory, options: ReportOptions, now: dt.datetime) -> Page:
    """Ask all questions, within limits.  Raises HistoryError for an unknown table or key field."""
    runs = list(islice(history.runs(), RUNS + 1))
    since = options.since or _default_since(runs, now)
    omissions = Omissions()
    infos = {info.name: info for info in _chosen(history.tables(), options, omissions)}
    tables = [query_table(history, info, options, since) for info in infos.values()]
    _check_fields(tables, options)
    anchors, labels = name_anchors(tables, options.top), labels_of(tables)
    _note_cuts(omissions, tables, runs, options)
    entities = tuple(
        page for data in tables for page in entity_pages(history, data, anchors, labels, omissions)
    )
    omissions.pages(len(entities))
    return Page(
        made_at=time_text(now),
        since=time_text(since),
        tables=tuple(map(_count, tables)),
        runs=tuple(rows.run_row(run) for run in runs[:RUNS]),
        run_charts=run_charts(runs[:RUNS]),
        feed=tuple(
            rows.entry(change, anchors.get(entity_ref(change)), infos[change.table], labels)
            for change in _feed(tables)[: options.feed]
        ),
        movers=tuple(
            rows.mover_row(anchors, *moved, labels) for moved in _ranked(tables, options.top)
        ),
        new=_listed(anchors, labels, (data.new[: options.top] for data in tables)),
        not_seen=_listed(anchors, labels, (data.not_seen[: options.top] for data in tables)),
        entities=entities,
        omissions=omissions.sentences(),
    )


def _default_since(runs: Sequence[Run], now: dt.datetime) -> dt.datetime:
    return (runs[0].started_at if runs else now) - _DEFAULT_TIME


def _chosen(
    infos: Iterable[TableInfo], options: ReportOptions, omissions: Omissions
) -> list[TableInfo]:
    known = {info.name: info for info in infos}
    unknown = [name for name in options.tables if name not in known]
    if unknown:
        there = ", ".join(known) or "none"
        raise HistoryError(f"there is no table of entities {unknown[0]}; there are {there}")
    wanted = [info for name, info in known.items() if not options.tables or name in options.tables]
    fitting = [info for info in wanted if set(options.where) <= set(info.key)]
    if wanted and not fitting:
        names = "; ".join(f"{info.name}: {', '.join(info.key)}" for info in wanted)
        raise HistoryError(
            f"no table has the key field(s) {', '.join(options.where)}; the keys are {names}"
        )
    omissions.tables(info.name for info in known.values() if info not in fitting)
    return fitting


def _check_fields(tables: Sequence[TableData], options: ReportOptions) -> None:
    known = {field for data in tables for field in data.fields}
    unknown = [field for field in options.fields if field not in known]
    if unknown:
        raise HistoryError(
            f"no numbers were found in a field {printable(unknown[0])}; leave --field out, and the "
            "report shows the numbers that there are"
        )


def _feed(tables: Iterable[TableData]) -> list[Change]:
    lists = (data.changes for data in tables)
    return list(heapq.merge(*lists, key=lambda change: change.changed_at, reverse=True))


def _ranked(tables: Iterable[TableData], top: int) -> list[tuple[str, Mover]]:
    """Those of which a percentage says something come first."""
    movers = [
        (moved[0] in data.signed_fields, moved) for data in tables for moved in data.movers[:top]
    ]
    return [moved for _, moved in sorted(movers, key=lambda each: (each[0], -distance(each[1])))]


def _count(data: TableData) -> TableCount:
    return TableCount(
        name=data.info.name,
        new=f"{data.new_count:,}",
        changed=f"{data.change_count - data.new_count:,}",
        not_seen=f"{data.not_seen_count:,}",
    )


def _note_cuts(
    omissions: Omissions, tables: Sequence[TableData], runs: Sequence[Run], options: ReportOptions
) -> None:
    omissions.more("crawls", len(runs), RUNS)
    omissions.more("changes", sum(len(data.changes) for data in tables), options.feed)
    for data in tables:
        name = data.info.name
        omissions.more(f"movers of {name}", len(data.movers), options.top)
        omissions.more(f"new entities of {name}", len(data.new), options.top)
        omissions.more(f"entities of {name} that were not seen", len(data.not_seen), options.top)
        omissions.more(f"numeric fields of {name}", len(data.fields), NUMERIC_FIELDS)


def _listed(
    anchors: Anchors, labels: Labels, lists: Iterable[Sequence[Change | State]]
) -> tuple[EntityRow, ...]:
    return tuple(rows.entity_row(anchors, result, labels) for result in chain.from_iterable(lists))
