"""A store of one entity in memory, which is changed by nothing but plans."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import pairwise

from scrapy_snapshot_pipeline.records import Outcome, SnapshotRecord, seen_at, snapshot_id
from scrapy_snapshot_pipeline.scd2.fast_path import plan_change, plan_first
from scrapy_snapshot_pipeline.scd2.plan import (
    CopiedChild,
    EndedChild,
    MovedChild,
    NewChild,
    Plan,
    Reading,
    StoredChild,
    StoredVersion,
    reading,
)
from scrapy_snapshot_pipeline.scd2.timeline import plan
from tests.unit.scd2.entity import (
    ENTITY,
    PARENT,
    START,
    TABLES,
    Content,
    Seen,
    at,
    child_id,
    content_of,
    record,
    second,
)


class Memory:
    """What is stored of one entity; keys, references and unique indexes hold after each change."""

    def __init__(self) -> None:
        self.versions: dict[int, StoredVersion] = {}
        self.children: dict[tuple[int, bytes, int], StoredChild] = {}
        self.contents: dict[int, Content] = {}
        """Of the versions: what their columns hold."""
        self.runs: dict[int, int] = {}
        self.values: dict[tuple[int, bytes, int], tuple[object, ...]] = {}
        """Of the child rows."""
        self.split_off: set[int] = set()
        """Ids of the versions that were split off others."""
        self.late = 0
        self.read: list[Reading] = []
        """What was read for each batch."""

    def send(self, *batch: Seen, retried: bool = False, confirm: bool = False) -> list[Outcome]:
        """Write a batch."""
        return self.write([record(one) for one in batch], retried=retried, confirm=confirm)

    def write(
        self, records: Sequence[SnapshotRecord], *, retried: bool = False, confirm: bool = False
    ) -> list[Outcome]:
        """Write a batch, reading no more than `reading` says; `confirm`: first try to confirm."""
        if confirm and not retried and self._confirmed(records):
            return [Outcome.CONFIRMED, *[Outcome.COALESCED] * (len(records) - 1)]
        changes = Plan()
        outcomes = list(self._plan(records, changes, retried=retried))
        for new in changes.new_versions:
            if not any(new.record is one for one in records):
                self.split_off.add(new.record.snapshot_id)
        self._apply(changes)
        self.late += changes.late
        return outcomes

    @property
    def current(self) -> StoredVersion | None:
        """The current version."""
        return next((v for v in self.versions.values() if v.valid_to is None), None)

    def lasting(self) -> list[StoredVersion]:
        """Versions that are no moments, by time."""
        lasting = [v for v in self.versions.values() if v.valid_to != v.valid_from]
        return sorted(lasting, key=lambda v: v.valid_from)

    def moments(self) -> list[Seen]:
        """The contents of versions of no length, by time."""
        return sorted(
            Seen(round((v.valid_from - START).total_seconds()), self.contents[v.snapshot_id])
            for v in self.versions.values()
            if v.valid_to == v.valid_from
        )

    def line(self) -> str:
        """The history for people, as `A[10,12) B[12,-)`, without moments."""
        return " ".join(
            self.contents[v.snapshot_id].own + _interval(v.valid_from, v.valid_to)
            for v in self.lasting()
        )

    def child_line(self, name: str) -> str:
        """The rows of a child, as `1[10,12) 2[12,-)`, without those of moments."""
        return " ".join(
            f"{row.content_hash[0]}{_interval(row.valid_from, row.valid_to)}"
            for row in self.rows(name)
        )

    def rows(self, name: str) -> list[StoredChild]:
        """The rows of a child by time, without those of moments."""
        rows = [
            row
            for row in self.children.values()
            if row.child_id == child_id(name) and row.valid_to != row.valid_from
        ]
        return sorted(rows, key=lambda row: row.valid_from)

    def moment_rows(self) -> set[tuple[str, int, int]]:
        """Name, value and second of the rows of moments."""
        return {
            (row.child_id.decode().strip(), row.content_hash[0], second(row.valid_from) or 0)
            for row in self.children.values()
            if row.valid_to == row.valid_from
        }

    def confirmed(self) -> dict[int, int | None]:
        """By the begin of each lasting version: the second of its last confirmation."""
        return {second(v.valid_from) or 0: second(v.last_confirmed_at) for v in self.lasting()}

    def snapshot(self) -> tuple[object, ...]:
        """All that is stored."""
        return dict(self.versions), dict(self.children), dict(self.contents), dict(self.values)

    def check(self) -> None:
        """Raise AssertionError unless the history is one, and in normal form."""
        versions = self.lasting()
        assert [v.valid_to for v in versions].index(None) == len(versions) - 1
        for one, two in pairwise(versions):
            assert one.valid_to == two.valid_from
            assert one.content_hash != two.content_hash
        for version in versions:
            self._check_version(version)
        for name in {row.child_id.decode().strip() for row in self.children.values()}:
            self._check_rows(name)
        for moment in self.moments():
            self._check_moment(moment)

    def _check_version(self, version: StoredVersion) -> None:
        seen_then = seen_at(version.snapshot_id)
        assert version.valid_from <= seen_then <= version.last_confirmed_at
        assert version.valid_to is None or version.last_confirmed_at < version.valid_to
        content = self.contents[version.snapshot_id]
        assert version.content_hash == content.hash
        for time in (version.valid_from, seen_then, version.last_confirmed_at):
            assert self._children_at(time) == content.children

    def _check_rows(self, name: str) -> None:
        rows = self.rows(name)
        for row in rows:
            assert _contains(row, seen_at(row.snapshot_id))
        for one, two in pairwise(rows):
            assert one.valid_to is not None
            assert one.valid_to <= two.valid_from
            assert one.valid_to < two.valid_from or one.content_hash != two.content_hash

    def _check_moment(self, moment: Seen) -> None:
        """Within a version, with the rows that it saw and no others."""
        time = at(moment.second)
        assert any(_contains(version, time) for version in self.lasting())
        own_id = snapshot_id(time, moment.content.hash)
        rows = [row for row in self.children.values() if row.snapshot_id == own_id]
        assert {(row.valid_from, row.valid_to) for row in rows} <= {(time, time)}
        assert _children(rows) == moment.content.children

    def _children_at(self, time: dt.datetime) -> tuple[tuple[str, int], ...]:
        return _children([row for row in self.children.values() if _contains(row, time)])

    def _confirmed(self, records: Sequence[SnapshotRecord]) -> bool:
        """As the statement that comes before every plan where most is unchanged."""
        current, times = self.current, [r.observed_at for r in records]
        if current is None or current.valid_from > min(times):
            return False
        if any(r.content_hash != current.content_hash for r in records):
            return False
        latest = max(current.last_confirmed_at, *times)
        self.versions[current.snapshot_id] = current._replace(last_confirmed_at=latest)
        return True

    def _plan(
        self, records: Sequence[SnapshotRecord], into: Plan, *, retried: bool
    ) -> Sequence[Outcome]:
        current = self.current
        need = Reading.HISTORY if retried and current else reading(current, records)
        self.read.append(need)
        if current is None and len(records) == 1:
            return [plan_first(records[0], into)]
        if current is not None and need is Reading.CURRENT_CHILDREN and len(records) == 1:
            return [plan_change(records[0], current, self._current_children(), into)]
        versions = [] if current is None else [current]
        children: list[StoredChild] = []
        if need is not Reading.NOTHING:
            since = min(r.observed_at for r in records)
            # No statement says in which order.
            versions = [v for v in reversed(self.versions.values()) if _until(v, since)]
            children = [c for c in reversed(self.children.values()) if _until(c, since)]
        return plan(records, versions, children, into, retried=retried)

    def _current_children(self) -> Sequence[Mapping[bytes, int]]:
        tables: list[dict[bytes, int]] = [{} for _ in range(TABLES)]
        for row in self.children.values():
            if row.valid_to is None:
                tables[row.table][row.child_id + row.content_hash] = row.snapshot_id
        return tables

    def _apply(self, changes: Plan) -> None:
        """In the order of the statements; each sees what those before it have done."""
        self._apply_versions(changes)
        stored = dict(self.children)
        for table in range(TABLES):
            for moved in changes.moved_children.get(table, ()):
                self._move_child(table, moved)
            for ended in changes.ended_children.get(table, ()):
                self._end_child(table, ended)
            for new in changes.new_children.get(table, ()):
                assert new.entity_id == ENTITY
                self._add_child(_stored(table, new), (new.parent_id, *new.values))
            for copied in changes.copied_children.get(table, ()):
                assert (table, copied.child_id, copied.source_id) in stored
                self._copy_child(table, copied)

    def _move_child(self, table: int, moved: MovedChild) -> None:
        assert moved.entity_id == ENTITY
        key = (table, moved.child_id, moved.snapshot_id)
        assert self.children[key].valid_from != moved.valid_from, "nothing moved"
        self.children[key] = self.children[key]._replace(valid_from=moved.valid_from)

    def _end_child(self, table: int, ended: EndedChild) -> None:
        assert ended.entity_id == ENTITY
        key = (table, ended.child_id, ended.snapshot_id)
        assert self.children[key].valid_to != ended.valid_to, "nothing ended"
        self.children[key] = self.children[key]._replace(valid_to=ended.valid_to)

    def _copy_child(self, table: int, piece: CopiedChild) -> None:
        assert piece.entity_id == ENTITY
        source = (table, piece.child_id, piece.source_id)
        copied = self.children[source]._replace(
            snapshot_id=piece.snapshot_id, valid_from=piece.valid_from, valid_to=piece.valid_to
        )
        self._add_child(copied, self.values[source])

    def _apply_versions(self, changes: Plan) -> None:
        for changed in changes.changed_versions:
            assert changed.entity_id == ENTITY
            old = self.versions[changed.snapshot_id]
            assert old[2:5] != changed[2:], "nothing changed"
            self.versions[changed.snapshot_id] = StoredVersion(
                old.snapshot_id, old.content_hash, *changed[2:]
            )
        for new in changes.new_versions:
            made = new.record
            assert (made.entity_id, made.observed_at) == (ENTITY, seen_at(made.snapshot_id))
            self._add_version(StoredVersion(made.snapshot_id, made.content_hash, *new[1:4]))
            self.contents[made.snapshot_id] = content_of(made.values)
            self.runs[made.snapshot_id] = made.run_id.int
        stored = dict(self.versions)
        for piece in changes.copied_versions:
            assert piece.entity_id == ENTITY
            source = stored[piece.source_id]
            self._add_version(StoredVersion(piece.snapshot_id, source.content_hash, *piece[3:]))
            self.contents[piece.snapshot_id] = self.contents[piece.source_id]
            self.runs[piece.snapshot_id] = self.runs[piece.source_id]
            self.split_off.add(piece.snapshot_id)

    def _add_version(self, version: StoredVersion) -> None:
        assert version.snapshot_id not in self.versions
        assert version.valid_to is not None or self.current is None
        self.versions[version.snapshot_id] = version

    def _add_child(self, row: StoredChild, values: tuple[object, ...]) -> None:
        key = (row.table, row.child_id, row.snapshot_id)
        assert key not in self.children
        assert row.snapshot_id in self.versions
        assert values == (PARENT, row.child_id.decode().strip(), row.content_hash[0])
        if row.valid_to is None:
            same = [c for c in self.children.values() if c.child_id == row.child_id]
            assert None not in [c.valid_to for c in same]
        self.children[key] = row
        self.values[key] = values


def _stored(table: int, child: NewChild) -> StoredChild:
    return StoredChild(
        table,
        child.child_id,
        child.snapshot_id,
        child.content_hash,
        child.valid_from,
        child.valid_to,
    )


def _interval(start: dt.datetime, end: dt.datetime | None) -> str:
    return f"[{second(start)},{'-' if end is None else second(end)})"


def _contains(row: StoredVersion | StoredChild, time: dt.datetime) -> bool:
    return row.valid_from <= time and (row.valid_to is None or time < row.valid_to)


def _until(row: StoredVersion | StoredChild, since: dt.datetime) -> bool:
    """What the statements read: whatever is valid at that time or later, or ends then."""
    return row.valid_to is None or row.valid_to >= since


def _children(rows: Sequence[StoredChild]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((row.child_id.decode().strip(), row.content_hash[0]) for row in rows))
