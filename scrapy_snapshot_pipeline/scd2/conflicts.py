"""Finds what a key that is not unique does: one run sees one entity with different contents.  Pure.

What a run has seen cannot all be remembered, as it may be millions of entities.  But what it stored
itself names it: `run_id` is the run that first stored a version, so it has seen that content.  Only
what it did not store but confirmed must be remembered, and that is done for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scrapy_snapshot_pipeline.records import SnapshotRecord
from scrapy_snapshot_pipeline.scd2.plan import StoredVersion


def count_conflicts(
    records: Sequence[SnapshotRecord],
    stored: Iterable[StoredVersion],
    remembered: bytes | None,
) -> int:
    """How many of `records` differ from what their own run has last seen of the entity.

    `records` are all of one entity, in order of arrival; `stored` is what was read of it, and
    `remembered` the content hash that the first record's run saw last, if anyone knows.  What an
    earlier attempt may have stored of these very records counts once.
    """
    own = {record.snapshot_id for record in records}
    others = sorted((v for v in stored if v.snapshot_id not in own), key=lambda v: v.snapshot_id)
    seen = {version.run_id: version.content_hash for version in others}
    if remembered is not None:
        seen[records[0].run_id] = remembered
    conflicts = 0
    for record in records:
        conflicts += seen.get(record.run_id, record.content_hash) != record.content_hash
        seen[record.run_id] = record.content_hash
    return conflicts
