"""What a batch must know of the stored histories of its entities, and what the law makes of them.

Most entities need no reading beyond their locked current version.  The values of rows are read only
where the class has changed since they were written, for a second look at them.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.evolution.rehash import Values
from scrapy_snapshot_pipeline.evolution.second_look import (
    SecondLook,
    StoredEntity,
    ValuedVersion,
)
from scrapy_snapshot_pipeline.records import Outcome, SnapshotRecord
from scrapy_snapshot_pipeline.scd2.fast_path import CurrentChildren, plan_change, plan_first
from scrapy_snapshot_pipeline.scd2.plan import (
    Plan,
    Reading,
    StoredChild,
    StoredVersion,
    reading,
)
from scrapy_snapshot_pipeline.scd2.timeline import plan
from scrapy_snapshot_pipeline.store.sql.reads import Reads

RecordsOf: TypeAlias = Mapping[bytes, Sequence[SnapshotRecord]]
"""By entity id: its records in the batch, in order of arrival."""


class StoredHistories:
    """What was read of the histories of one table's entities."""

    def __init__(
        self, look: SecondLook, current: Mapping[bytes, StoredVersion], *, retried: bool
    ) -> None:
        """`current` has the versions that are locked; an entity without is new."""
        self._look = look
        self._retried = retried
        self._current = current
        self._versions = {entity_id: [version] for entity_id, version in current.items()}
        self._children: defaultdict[bytes, list[StoredChild]] = defaultdict(list)
        self._current_children: dict[bytes, CurrentChildren] = {}
        """Of the entities with a single record that changes what is current."""
        self._current_values: Mapping[bytes, Values] = {}
        """Of the entities with a single record, for a second look at what is current."""
        self._valued: Mapping[bytes, StoredEntity] = {}
        """Of the entities with rows of another shape."""

    def read(self, connection: Connection, reads: Reads, records_of: RecordsOf) -> None:
        """Read what must be known beside the current versions, all of it under their lock.

        Raises UnknownShapeError where the class was changed after this crawl had begun.
        """
        due: list[bytes] = []
        by_need: dict[Reading, list[bytes]] = {need: [] for need in Reading}
        for entity_id, current in self._current.items():
            if self._look.is_due(current, records_of[entity_id]):
                due.append(entity_id)
            else:
                by_need[self._need(current, records_of[entity_id])].append(entity_id)
        looked = self._read_current(connection, reads, due, records_of)
        looked += self._read_children(connection, reads, by_need[Reading.CURRENT_CHILDREN])
        histories = _since(by_need[Reading.HISTORY], records_of)
        looked += self._read_histories(connection, reads, histories)
        if looked:
            self._valued = reads.entities(connection, _since(sorted(looked), records_of))

    def versions(self, entity_id: bytes) -> Sequence[StoredVersion]:
        """The versions that were read, the current one among them."""
        if entity_id in self._valued:
            return [each.version for each in self._valued[entity_id].versions]
        return self._versions.get(entity_id, ())

    def plan(
        self, entity_id: bytes, records: Sequence[SnapshotRecord], into: Plan
    ) -> Sequence[Outcome]:
        """Add to `into` what `records` of an entity change, and return their outcomes."""
        if entity_id in self._valued:
            stored = self._valued[entity_id]
            return self._look.plan(records, stored, into, retried=self._retried)
        if entity_id in self._current_values:
            children = self._current_children[entity_id]
            valued = ValuedVersion(self._current[entity_id], self._current_values[entity_id])
            return (self._look.plan_current(records[0], valued, children, into),)
        # Nothing ends a version without beginning another, so every stored entity has a current
        # one: an entity without is new.
        versions = self.versions(entity_id)
        if not versions and len(records) == 1:
            return (plan_first(records[0], into),)
        if entity_id in self._current_children:
            children = self._current_children[entity_id]
            return (plan_change(records[0], versions[0], children, into),)
        children_of = self._children.get(entity_id, ())
        return plan(records, versions, children_of, into, retried=self._retried)

    def _need(self, current: StoredVersion, records: Sequence[SnapshotRecord]) -> Reading:
        if self._retried:
            return Reading.HISTORY
        need = reading(current, records)
        several = need is Reading.CURRENT_CHILDREN and len(records) > 1
        return Reading.HISTORY if several else need

    def _read_children(
        self, connection: Connection, reads: Reads, changed: Sequence[bytes]
    ) -> list[bytes]:
        """Read the current child rows; return the entities that must be looked at again."""
        if not changed:
            return []
        current, shapes = reads.current_children(connection, changed)
        other = [each for each in changed if self._look.differs_in_lists(shapes.get(each, ()))]
        self._current_children.update(current)
        for entity_id in other:
            del self._current_children[entity_id]
        return other

    def _read_current(
        self, connection: Connection, reads: Reads, due: Sequence[bytes], records_of: RecordsOf
    ) -> list[bytes]:
        """Read what is current of entities that are due; return those of which more is needed."""
        simple = [each for each in due if self._is_latest(self._current[each], records_of[each])]
        more = set(due).difference(simple)
        more.update(self._read_children(connection, reads, simple))
        simple = [each for each in simple if each not in more]
        if simple:
            self._current_values = reads.current_values(connection, simple)
        return sorted(more)

    def _is_latest(self, current: StoredVersion, records: Sequence[SnapshotRecord]) -> bool:
        """Whether there is one record, later than all that is known of the entity."""
        return (
            not self._retried
            and len(records) == 1
            and records[0].observed_at > current.last_confirmed_at
        )

    def _read_histories(
        self, connection: Connection, reads: Reads, since: Sequence[tuple[bytes, dt.datetime]]
    ) -> list[bytes]:
        """Read versions and child rows; return the entities that must be looked at again."""
        if not since:
            return []
        versions: defaultdict[bytes, list[StoredVersion]] = defaultdict(list)
        for entity_id, version in reads.history(connection, since):
            versions[entity_id].append(version)
        self._versions.update(versions)
        for entity_id, child in reads.child_history(connection, since):
            self._children[entity_id].append(child)
        return [each for each, _ in since if self._look.differs(self._shapes(each))]

    def _shapes(self, entity_id: bytes) -> set[int]:
        rows = (*self._versions.get(entity_id, ()), *self._children.get(entity_id, ()))
        return {row.shape for row in rows}


def _since(entity_ids: Iterable[bytes], records_of: RecordsOf) -> list[tuple[bytes, dt.datetime]]:
    """Each entity with the earliest time at which the batch saw it."""
    return [(each, min(record.observed_at for record in records_of[each])) for each in entity_ids]
