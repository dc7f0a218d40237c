"""The two ordinary plans are what the general plan would be."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.records import ChildRecord, SnapshotRecord, snapshot_id
from scrapy_snapshot_pipeline.scd2.fast_path import plan_change, plan_first
from scrapy_snapshot_pipeline.scd2.plan import Plan, StoredChild, StoredVersion
from scrapy_snapshot_pipeline.scd2.timeline import plan

TABLES = 2
ENTITY = bytes(16)
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)

children = st.tuples(
    *[st.dictionaries(st.integers(0, 5), st.integers(0, 2), max_size=6) for _ in range(TABLES)]
)


def _id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _record(content: int, minutes: int, rows: tuple[Mapping[int, int], ...]) -> SnapshotRecord:
    time = START + dt.timedelta(minutes=minutes)
    return SnapshotRecord(
        table="t",
        entity_id=ENTITY,
        snapshot_id=snapshot_id(time, _id(content)),
        content_hash=_id(content),
        observed_at=time,
        run_id=uuid.UUID(int=1),
        values=(content,),
        children=tuple(
            tuple(ChildRecord(_id(key) + _id(value), None, (value,)) for key, value in each.items())
            for each in rows
        ),
        size=1,
    )


def _in_order(changes: Plan) -> Plan:
    for rows in changes.ended_children.values():
        rows.sort()
    return changes


@given(children)
def test_the_first_record_of_an_entity(rows: tuple[Mapping[int, int], ...]) -> None:
    """Nothing stored and one record: outcome and rows are those of the general plan."""
    record = _record(1, 0, rows)
    ordinary, general = Plan(), Plan()
    assert [plan_first(record, ordinary)] == plan([record], (), (), general)
    assert ordinary == general


@given(children, children)
def test_one_change_of_the_current_version(
    before: tuple[Mapping[int, int], ...], after: tuple[Mapping[int, int], ...]
) -> None:
    """One later record of other content: outcome and rows are those of the general plan."""
    first, record = _record(1, 0, before), _record(2, 5, after)
    current = StoredVersion(
        first.snapshot_id, first.content_hash, first.observed_at, first.observed_at, None
    )
    stored = [
        StoredChild(table, row.child_id, first.snapshot_id, row.content_hash, START, None)
        for table, rows in enumerate(first.children)
        for row in rows
    ]
    packed = [
        {row.child_id + row.content_hash: first.snapshot_id for row in rows}
        for rows in first.children
    ]
    ordinary, general = Plan(), Plan()
    outcomes = plan([record], [current], stored, general)
    assert [plan_change(record, current, packed, ordinary)] == outcomes
    assert _in_order(ordinary) == _in_order(general)
