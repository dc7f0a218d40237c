"""The page of each entity, asked from the history."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.history.results import Fields
from scrapy_snapshot_pipeline.report.charts import step_chart
from scrapy_snapshot_pipeline.report.formatting import key_text
from scrapy_snapshot_pipeline.report.omissions import Omissions
from scrapy_snapshot_pipeline.report.page import Chart, EntityPage
from scrapy_snapshot_pipeline.report.page_rows import entry
from scrapy_snapshot_pipeline.report.queries import NUMERIC_FIELDS
from scrapy_snapshot_pipeline.report.table_data import (
    Anchors,
    EntityRef,
    Labels,
    TableData,
    entity_ref,
)

VERSIONS = 200
"""Most versions in an entity's table, the newest ones."""


def entity_pages(
    history: SnapshotHistory,
    data: TableData,
    anchors: Anchors,
    labels: Labels,
    omissions: Omissions,
) -> Iterator[EntityPage]:
    """One for each entity of the table that has an anchor."""
    for entity, key in _keys(data).items():
        if entity in anchors:
            page = _page(history, data, anchors[entity], key, omissions)
            yield replace(page, label=labels.get(entity, ""))


def _keys(data: TableData) -> dict[EntityRef, Fields]:
    return {entity_ref(result): result.key for result in data.all()}


def _page(
    history: SnapshotHistory, data: TableData, anchor: str, key: Fields, omissions: Omissions
) -> EntityPage:
    table = data.info.name
    newest = deque(history.versions(table, key), VERSIONS + 1)
    omissions.more(f"versions of {key_text(key)}", len(newest), VERSIONS)
    shown = list(newest)[: -VERSIONS - 1 : -1]
    return EntityPage(
        anchor=anchor,
        table=table,
        key=key_text(key),
        charts=tuple(_charts(history, data, key)),
        versions=tuple(entry(version, None, data.info) for version in shown),
    )


def _charts(history: SnapshotHistory, data: TableData, key: Fields) -> Iterator[Chart]:
    steps = history.steps_by_field(data.info.name, key, data.fields[:NUMERIC_FIELDS])
    for field, own in steps.items():
        chart = step_chart(field, own)
        if chart is not None:
            yield chart
