"""What a crawl has seen lately: the content of the last entities of a table, in bounded memory.

A stored version names the run that stored it, but not the runs that only confirmed it.
"""

from __future__ import annotations

from collections.abc import Iterable

from scrapy_snapshot_pipeline.records import SnapshotRecord

_MOST = 10_000
"""Entities of each of the two generations; a few megabytes for a table."""


class LatelySeen:
    """The last records of one crawl in one table.

    At least `most` entities are remembered, and at most two times as many and two batches.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}

    def note(self, records: Iterable[SnapshotRecord]) -> None:
        """Remember what a batch has written, in the order of arrival."""
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        self._young.update({record.entity_id: record.content_hash for record in records})

    def content_hash(self, entity_id: bytes) -> bytes | None:
        """What was seen last of an entity; None where that is not remembered."""
        return self._young.get(entity_id) or self._old.get(entity_id)
