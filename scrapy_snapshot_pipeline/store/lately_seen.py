"""What a crawl has seen lately: the content of the last entities, in bounded memory.

A stored version names the run that stored it, but not the runs that only confirmed it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeAlias

from scrapy_snapshot_pipeline.records import SnapshotRecord

_MOST = 10_000
"""Entities of each of the two generations; a few megabytes."""

Generation: TypeAlias = "defaultdict[str, dict[bytes, bytes]]"
"""By table and entity id: the content hash."""


class LatelySeen:
    """The last records of one crawl.

    At least `most` entities are remembered, and at most two times as many and two batches.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._young: Generation = defaultdict(dict)
        self._old: Generation = defaultdict(dict)

    def note(self, table: str, records: Iterable[SnapshotRecord]) -> None:
        """Remember what a batch has written into a table, in the order of arrival."""
        if sum(map(len, self._young.values())) >= self._most:
            self._old, self._young = self._young, defaultdict(dict)
        self._young[table].update({record.entity_id: record.content_hash for record in records})

    def content_hash(self, table: str, entity_id: bytes) -> bytes | None:
        """What was seen last of an entity; None where that is not remembered."""
        return self._young[table].get(entity_id) or self._old[table].get(entity_id)
