"""The page of each entity, asked from the history."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.history.results import Fields
from scrapy_snapshot_pipeline.report.changes import entry
from scrapy_snapshot_pipeline.report.charts import step_chart
from scrapy_snapshot_pipeline.report.fields import MOST
from scrapy_snapshot_pipeline.report.formatting import key_text
from scrapy_snapshot_pipeline.report.omissions import Omissions
from scrapy_snapshot_pipeline.report.page import Chart, EntityPage
from scrapy_snapshot_pipeline.report.table_data import Anchors, Place, TableData, place_of

VERSIONS = 200
"""Most versions in an entity's table, the newest."""


def entity_pages(
    history: SnapshotHistory, found: TableData, anchors: Anchors, left_out: Omissions
) -> Iterator[EntityPage]:
    """For each entity of the table that has an anchor."""
    for place, key in _keys(found).items():
        if place in anchors:
            yield _page(history, found, anchors[place], key, left_out)


def _keys(found: TableData) -> dict[Place, Fields]:
    return {place_of(answer): answer.key for answer in found.all()}


def _page(
    history: SnapshotHistory, found: TableData, anchor: str, key: Fields, left_out: Omissions
) -> EntityPage:
    table = found.info.name
    newest = deque(history.versions(table, key), VERSIONS + 1)
    left_out.more(f"versions of {key_text(key)}", len(newest), VERSIONS)
    return EntityPage(
        anchor=anchor,
        table=table,
        key=key_text(key),
        charts=tuple(_charts(history, found, key)),
        versions=tuple(
            entry(version, None, found.info) for version in list(newest)[: -VERSIONS - 1 : -1]
        ),
    )


def _charts(history: SnapshotHistory, found: TableData, key: Fields) -> Iterator[Chart]:
    steps = history.steps_by_field(found.info.name, key, found.fields[:MOST])
    for field, own in steps.items():
        chart = step_chart(field, own)
        if chart is not None:
            yield chart
