"""Which stored rows of an entity must be joined, so that its history is in normal form.  Pure.

Two rows *touch* where one ends at the instant at which the other begins.  Where touching rows have
equal content, nothing changed at that instant.  Release 0.1.0 could write such pairs; they are
joined into one row:

      [A======)[A====)[A=======---        three versions of equal content
      [.................A======---        the last of them, which begins where the first began

The last row survives, because a crawl may be confirming it at this moment.  Child rows of a version
that is deleted get the id of the survivor, and are joined in the same way.  A moment, a row of no
length, stays as it is.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

Values: TypeAlias = "tuple[Any, ...] | None"
"""The tracked values, so that equal content has equal values; None: the hash alone decides."""


class StoredVersion(NamedTuple):
    """A version, and what it takes to compare it."""

    snapshot_id: int
    content_hash: bytes
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    values: Values
    last_confirmed_at: dt.datetime


class StoredChild(NamedTuple):
    """A child row, and what it takes to compare it."""

    snapshot_id: int
    content_hash: bytes
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    values: Values
    table: int
    """Index in the declaration's child tables."""
    child_id: bytes


class DeletedVersion(NamedTuple):
    """A version that was joined with a later one."""

    entity_id: bytes
    snapshot_id: int


class WidenedVersion(NamedTuple):
    """New times of a version that earlier ones were joined with."""

    entity_id: bytes
    snapshot_id: int
    valid_from: dt.datetime
    last_confirmed_at: dt.datetime


class DeletedChild(NamedTuple):
    """A child row that was joined with a later one."""

    entity_id: bytes
    child_id: bytes
    snapshot_id: int


class ChangedChild(NamedTuple):
    """A child row that earlier ones were joined with, or whose version is deleted."""

    entity_id: bytes
    child_id: bytes
    snapshot_id: int
    new_snapshot_id: int
    valid_from: dt.datetime


@dataclass(slots=True)
class Joins:
    """What to write.  Child rows come first, since they refer to the versions."""

    entity_ids: list[bytes] = field(default_factory=list)
    """Of the entities of which something is joined."""
    deleted_children: defaultdict[int, list[DeletedChild]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By the index of the child table."""
    changed_children: defaultdict[int, list[ChangedChild]] = field(
        default_factory=lambda: defaultdict(list)
    )
    deleted_versions: list[DeletedVersion] = field(default_factory=list)
    widened_versions: list[WidenedVersion] = field(default_factory=list)

    def add(
        self, entity_id: bytes, versions: Iterable[StoredVersion], children: Iterable[StoredChild]
    ) -> None:
        """Add what is to be joined of an entity; its rows may come in any order."""
        runs = _child_runs(children)
        chains = _version_chains(versions, runs)
        survivors = _survivors(chains)
        if not _distinct(runs, survivors):
            chains, survivors = [], {}
        for chain in chains:
            self._join_versions(entity_id, chain)
        joined = [self._join_children(entity_id, run, survivors) for run in runs]
        if survivors or any(joined):
            self.entity_ids.append(entity_id)

    def _join_versions(self, entity_id: bytes, chain: Sequence[StoredVersion]) -> None:
        if len(chain) == 1:
            return
        *earlier, last = chain
        self.deleted_versions += [DeletedVersion(entity_id, v.snapshot_id) for v in earlier]
        confirmed = max(version.last_confirmed_at for version in chain)
        self.widened_versions.append(
            WidenedVersion(entity_id, last.snapshot_id, chain[0].valid_from, confirmed)
        )

    def _join_children(
        self, entity_id: bytes, run: Sequence[StoredChild], survivors: Mapping[int, int]
    ) -> bool:
        """Whether anything is to be done about these rows of one child."""
        *earlier, last = run
        new_id = survivors.get(last.snapshot_id, last.snapshot_id)
        if not earlier and new_id == last.snapshot_id:
            return False
        self.deleted_children[last.table] += [
            DeletedChild(entity_id, row.child_id, row.snapshot_id) for row in earlier
        ]
        self.changed_children[last.table].append(
            ChangedChild(entity_id, last.child_id, last.snapshot_id, new_id, run[0].valid_from)
        )
        return True


def _version_chains(
    versions: Iterable[StoredVersion], runs: Iterable[Sequence[StoredChild]]
) -> list[list[StoredVersion]]:
    """Versions that are to be one; where a child row begins or ends, content has changed."""
    edges = {
        time for run in runs if _lasts(run[0]) for time in (run[0].valid_from, run[-1].valid_to)
    }
    lasting = sorted(filter(_lasts, versions), key=attrgetter("valid_from"))
    return _runs(lasting, lambda one, other: _meet(one, other) and other.valid_from not in edges)


def _child_runs(children: Iterable[StoredChild]) -> list[list[StoredChild]]:
    """Rows that are to be one, of all children."""
    by_child: defaultdict[tuple[int, bytes, bool], list[StoredChild]] = defaultdict(list)
    for row in children:
        by_child[row.table, row.child_id, _lasts(row)].append(row)
    runs: list[list[StoredChild]] = []
    for (*_, lasting), rows in by_child.items():
        rows.sort(key=attrgetter("valid_from"))
        runs += _runs(rows, _meet) if lasting else [[row] for row in rows]
    return runs


class _Row(Protocol):
    @property
    def content_hash(self) -> bytes: ...
    @property
    def valid_from(self) -> dt.datetime: ...
    @property
    def valid_to(self) -> dt.datetime | None: ...
    @property
    def values(self) -> Values: ...


RowT = TypeVar("RowT", bound=_Row)


def _runs(rows: Iterable[RowT], belong: Callable[[RowT, RowT], bool]) -> list[list[RowT]]:
    runs: list[list[RowT]] = []
    for row in rows:
        if runs and belong(runs[-1][-1], row):
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _meet(one: _Row, other: _Row) -> bool:
    """Whether the rows touch and have equal content."""
    if one.valid_to != other.valid_from:
        return False
    by_value = one.values is not None and one.values == other.values
    return by_value or one.content_hash == other.content_hash


def _lasts(row: _Row) -> bool:
    return row.valid_to is None or row.valid_to > row.valid_from


def _survivors(chains: Iterable[Sequence[StoredVersion]]) -> dict[int, int]:
    """From the id of each version that is deleted to that of the one that survives."""
    return {
        version.snapshot_id: last.snapshot_id for *earlier, last in chains for version in earlier
    }


def _distinct(runs: Sequence[Sequence[StoredChild]], survivors: Mapping[int, int]) -> bool:
    """Whether each child row keeps a key of its own.

    No release has written anything else; but a history that was altered by hand stays as it is.
    """
    last = [run[-1] for run in runs]
    keys = {(r.table, r.child_id, survivors.get(r.snapshot_id, r.snapshot_id)) for r in last}
    return len(keys) == len(last)
