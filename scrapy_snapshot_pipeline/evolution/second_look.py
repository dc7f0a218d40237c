"""What a hash cannot decide: whether a record and a row of another shape have equal content.

Where the hash and the shape of a stored version both differ from a record's, its values are read,
and hashed once more under the record's shape.  The law of history then compares like with like:

* A field that the class no longer has, or no longer tracks, is in neither hash.
* A field that is new to the class is None in what was stored before.  So a value in it makes a
  version, which is called *extended* where nothing else differs.
* A field that came back, or that is tracked now, is compared with the value that is stored; so
  there even equal hashes decide nothing.

A current version that is confirmed like this gets its new hash and shape, and so do its child rows:
the next crawl knows it by its hash again.  Only a shape of a higher number takes the place of
another, or an old and a new class that crawl side by side would change it for ever.  What has ended
keeps its hash, since two versions that touch may be equal under a shape that lacks what made them
differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from scrapy_snapshot_pipeline.declaration.tables import Column, Declaration
from scrapy_snapshot_pipeline.errors import UnknownShapeError
from scrapy_snapshot_pipeline.evolution.rehash import Rehash, Values
from scrapy_snapshot_pipeline.evolution.shapes import common, hides, same_lists
from scrapy_snapshot_pipeline.records import Outcome, SnapshotRecord
from scrapy_snapshot_pipeline.scd2.fast_path import CurrentChildren, plan_change
from scrapy_snapshot_pipeline.scd2.plan import (
    ChangedVersion,
    ExtendedVersion,
    NewVersion,
    Plan,
    RenewedChild,
    RenewedVersion,
    StoredChild,
    StoredVersion,
)
from scrapy_snapshot_pipeline.scd2.timeline import plan

Rows: TypeAlias = "list[list[bytes]]"
"""By list: `child_id` and content hash of each row, joined."""


class ValuedVersion(NamedTuple):
    """A stored version with its values, by the names of their columns."""

    version: StoredVersion
    values: Values


class ValuedChild(NamedTuple):
    """A stored child row with its values."""

    child: StoredChild
    values: Values


class StoredEntity(NamedTuple):
    """The rows of one entity, as far as they matter here."""

    versions: list[ValuedVersion]
    children: list[ValuedChild]


class SecondLook:
    """The law of history for records of one shape, over stored rows of any."""

    def __init__(
        self, number: int, declared: Declaration, shapes: Mapping[int, Declaration]
    ) -> None:
        """`number` is the shape of `declared`; `shapes` has all that its tables may hold."""
        self._number = number
        self._declared = declared
        self._shapes = shapes
        self._rehash = Rehash(declared)
        self._common: dict[int, _Common] = {}
        self._with_same_lists: dict[int, bool] = {}
        self.undecided = frozenset(
            shape
            for shape, older in shapes.items()
            if shape != number
            and hides(older, [each for n, each in shapes.items() if n < shape], declared)
        )
        """Shapes whose rows may differ from a record although the hashes are equal."""

    def is_due(self, current: StoredVersion, records: Iterable[SnapshotRecord]) -> bool:
        """Whether the current version must be looked at again before `records` can be placed.

        Raises UnknownShapeError, as `differs` does.
        """
        if not self.differs((current.shape,)):
            return False
        if current.shape > self._number and current.shape not in self.undecided:
            return any(each.content_hash != current.content_hash for each in records)
        return True

    def differs(self, shapes: Collection[int]) -> bool:
        """Whether stored rows of these shapes need their hashes made again.

        Raises UnknownShapeError for a shape that was not there when the crawl began.
        """
        if not self._shapes.keys() >= {*shapes} - {self._number}:
            raise UnknownShapeError("rows are of a shape that came while this crawl was running")
        return any(shape != self._number for shape in shapes)

    def differs_in_lists(self, shapes: Iterable[int]) -> bool:
        """Whether child rows of these shapes need their hashes made again.

        A class that has changed elsewhere makes the same hashes of the rows of its lists.
        """
        return not all(map(self._same_lists, shapes))

    def plan_current(
        self,
        record: SnapshotRecord,
        current: ValuedVersion,
        children: CurrentChildren,
        into: Plan,
    ) -> Outcome:
        """Do what `plan` does, where a record is later than all that is known of its entity.

        `children` are the current rows, whose hashes need not be made again.
        """
        content = self._rehash.version(current.values, [list(rows) for rows in children])
        version = current.version._replace(content_hash=content)
        if content != record.content_hash:
            outcome = plan_change(record, version, children, into)
            if self._extends(record, current, children):
                into.new_versions[-1] = into.new_versions[-1]._replace(extended=True)
            return outcome
        seen = version._replace(last_confirmed_at=record.observed_at)
        if version.shape < self._number:
            into.renewed_versions.append(self._renewed(record.entity_id, seen))
        else:
            times = (seen.valid_from, seen.last_confirmed_at, seen.valid_to)
            changed = ChangedVersion(record.entity_id, seen.snapshot_id, *times)
            into.changed_versions.append(changed)
        return Outcome.CONFIRMED

    def plan(
        self,
        records: Sequence[SnapshotRecord],
        stored: StoredEntity,
        into: Plan,
        *,
        retried: bool = False,
    ) -> list[Outcome]:
        """Do what `timeline.plan` does, whatever the shapes of the stored rows are."""
        rows = list(map(self._looked_child, stored.children))
        versions = [self._looked_version(each, rows) for each in stored.versions]
        new, changed = len(into.new_versions), len(into.changed_versions)
        outcomes = plan(records, versions, rows, into, retried=retried)
        changes = {each.snapshot_id: each for each in into.changed_versions[changed:]}
        ends = {snapshot_id: each.valid_to for snapshot_id, each in changes.items()}
        for index in range(new, len(into.new_versions)):
            made = into.new_versions[index]
            into.extended_versions += self._extended_by(made, stored)
            if self._is_extended(made, stored, ends):
                into.new_versions[index] = made._replace(extended=True)
        for version in versions:
            if version.valid_to is None and ends.get(version.snapshot_id) is None:
                now = changes.get(version.snapshot_id, version).last_confirmed_at
                self._renew(records, version._replace(last_confirmed_at=now), rows, into)
        return outcomes

    def _same_lists(self, shape: int) -> bool:
        if shape not in self._with_same_lists:
            older = self._shapes.get(shape, self._declared)
            self._with_same_lists[shape] = same_lists(older, self._declared)
        return self._with_same_lists[shape]

    def _extends(
        self, record: SnapshotRecord, current: ValuedVersion, children: CurrentChildren
    ) -> bool:
        both = self._common_with(current.version.shape)
        return both.of_current(current.values, children) == both.of_record(record)

    def _looked_child(self, stored: ValuedChild) -> StoredChild:
        row, values = stored
        if row.shape == self._number:
            return row
        return row._replace(content_hash=self._rehash.child(row.table, values))

    def _looked_version(self, stored: ValuedVersion, rows: Sequence[StoredChild]) -> StoredVersion:
        version, values = stored
        if version.shape == self._number:
            return version
        lists: Rows = [[] for _ in self._declared.children]
        for row in rows:
            if _belongs(row, version):
                lists[row.table].append(row.child_id + row.content_hash)
        return version._replace(content_hash=self._rehash.version(values, lists))

    def _renew(
        self,
        records: Sequence[SnapshotRecord],
        current: StoredVersion,
        rows: Iterable[StoredChild],
        into: Plan,
    ) -> None:
        """Have what is current known by its hash again, if one of `records` has confirmed it."""
        content, number = current.content_hash, self._number
        if current.shape >= number or all(each.content_hash != content for each in records):
            return
        entity_id = records[0].entity_id
        into.renewed_versions.append(self._renewed(entity_id, current))
        for row in rows:
            if row.valid_to is None and row.shape < number:
                renewed = RenewedChild(
                    entity_id, row.child_id, row.snapshot_id, row.content_hash, number
                )
                into.renewed_children.setdefault(row.table, []).append(renewed)

    def _renewed(self, entity_id: bytes, current: StoredVersion) -> RenewedVersion:
        content, last = current.content_hash, current.last_confirmed_at
        return RenewedVersion(entity_id, current.snapshot_id, content, last, self._number)

    def _is_extended(
        self, new: NewVersion, stored: StoredEntity, ends: Mapping[int, dt.datetime | None]
    ) -> bool:
        """Whether it is equal to the version before it in all that both of their shapes have."""
        before = next(
            (
                each
                for each in stored.versions
                if ends.get(each.version.snapshot_id, each.version.valid_to) == new.valid_from
                and each.version.valid_from < new.valid_from
            ),
            None,
        )
        if before is None or new.valid_to == new.valid_from:
            return False
        shape = before.version.shape
        if shape == self._number or shape not in self._shapes:
            return False
        both = self._common_with(shape)
        return both.of_stored(before, stored.children) == both.of_record(new.record)

    def _extended_by(self, new: NewVersion, stored: StoredEntity) -> Iterator[ExtendedVersion]:
        """The version of another class that follows a late one, if both see the same."""
        for each in stored.versions:
            version = each.version
            follows = version.valid_from == new.valid_to and version.valid_to != version.valid_from
            if follows and new.valid_from != new.valid_to and version.shape != self._number:
                both = self._common_with(version.shape)
                if both.of_stored(each, stored.children) == both.of_record(new.record):
                    yield ExtendedVersion(new.record.entity_id, version.snapshot_id)

    def _common_with(self, shape: int) -> _Common:
        if shape not in self._common:
            self._common[shape] = _Common(self._shapes[shape], self._declared)
        return self._common[shape]


class _Common:
    """The hash of a content by what two shapes have in common."""

    def __init__(self, older: Declaration, declared: Declaration) -> None:
        both = common(older, declared)
        self._rehash = Rehash(both)
        self._names = _names(declared.columns)
        paths = [child.path for child in declared.children]
        self._tables = {paths.index(c.path): index for index, c in enumerate(both.children)}
        """From the index of a list in the declaration to its index in what is common."""
        self._child_names = [_names(child.columns) for child in declared.children]

    def of_stored(self, stored: ValuedVersion, children: Sequence[ValuedChild]) -> bytes:
        rows = [
            (each.child.table, each.child.child_id, each.values)
            for each in children
            if _belongs(each.child, stored.version)
        ]
        return self._hash(stored.values, rows)

    def of_current(self, values: Values, children: CurrentChildren) -> bytes:
        """The same of rows whose hashes need not be made again."""
        lists: Rows = [[] for _ in self._tables]
        for table, index in self._tables.items():
            lists[index] = list(children[table])
        return self._rehash.version(values, lists)

    def of_record(self, record: SnapshotRecord) -> bytes:
        rows = [
            (table, row.child_id, dict(zip(self._child_names[table], row.values, strict=True)))
            for table, of_table in enumerate(record.children)
            for row in of_table
        ]
        return self._hash(dict(zip(self._names, record.values, strict=True)), rows)

    def _hash(self, values: Values, rows: Iterable[tuple[int, bytes, Values]]) -> bytes:
        lists: Rows = [[] for _ in self._tables]
        for table, child_id, own in rows:
            if table in self._tables:
                index = self._tables[table]
                lists[index].append(child_id + self._rehash.child(index, own))
        return self._rehash.version(values, lists)


def _names(columns: Iterable[Column]) -> list[str]:
    return [column.name for column in columns]


def _belongs(row: StoredChild, version: StoredVersion) -> bool:
    """Whether the row is part of the version's content; those of a moment carry its id."""
    if version.valid_to == version.valid_from:
        return row.snapshot_id == version.snapshot_id and row.valid_to == row.valid_from
    start = version.valid_from
    return row.valid_from <= start and (row.valid_to is None or start < row.valid_to)
