"""Finds what a key that is not unique does: one run sees one entity with different contents.  Pure.

Nothing is remembered between batches, as a run may see millions of entities.  The stored versions
say enough: `run_id` is the run that first stored one, so it has seen that content.  A content that
a run only confirmed names no run; if the same run sees another one in a later batch, that is missed
once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scrapy_snapshot_pipeline.records import SnapshotRecord
from scrapy_snapshot_pipeline.scd2.plan import StoredVersion


def count_conflicts(records: Sequence[SnapshotRecord], stored: Iterable[StoredVersion]) -> int:
    """How many of `records` differ from what their own run has last seen of the entity.

    `records` are all of one entity, in order of arrival; `stored` is what was read of it.  What an
    earlier attempt may have stored of these very records counts once.
    """
    own = {record.snapshot_id for record in records}
    others = sorted((v for v in stored if v.snapshot_id not in own), key=lambda v: v.snapshot_id)
    seen = {version.run_id: version.content_hash for version in others}
    conflicts = 0
    for record in records:
        conflicts += seen.get(record.run_id, record.content_hash) != record.content_hash
        seen[record.run_id] = record.content_hash
    return conflicts
