"""The law of history: what observations change in the versions of one entity.  Pure.

A history is a sequence of versions (a slowly changing dimension of type 2).  Each version is valid
from `valid_from` up to, but not including, `valid_to`; the last one is current and has no
`valid_to`.  Versions do not overlap and leave no gap between them.  A history is in *normal form*:
two versions that touch never have equal content, and neither do two rows of one child.

A version is made from one observation.  The time of that observation is its `seen_at`, which can be
read from its `snapshot_id`.  Further observations of the same content only move its other times:

      valid_from       seen_at      last_confirmed_at        valid_to
          [...............A=================--------------------)

    ....  Valid because a late observation of A moved `valid_from` back.  It says nothing about the
          time in between, at which nobody may have looked.
    ====  Confirmed.  An observation of other content in this time comes too late.
    ----  Valid because nothing else was observed.

So valid_from <= seen_at <= last_confirmed_at always holds.

Where an observation of content C belongs depends on where its time t falls:

1. Within a version of content C.  The version is confirmed: its `last_confirmed_at` is at least t.

2. Before all versions, or after the last confirmation of a version of other content.  C is valid
   from t until the next version begins.  Where none follows, this is the ordinary change.

                t                  C at t becomes a version
      [A====----------)[B===---
      [A====---)[C----)[B===---

                t                  B at t belongs to the B that follows, which now begins at t
      [A====----------)[B===---
      [A====---)[.......B===---

3. Between `valid_from` and `seen_at` of a version of other content.  The version is split: the time
   before t becomes a new row, a copy with the values and the run of the stored one; C is valid from
   t to `seen_at`; the stored row begins at `seen_at`.

             t
      [..............A====---
      [A----)[C-----)[A====---

4. At the very beginning of a version of other content, or between its `seen_at` and its
   `last_confirmed_at`.  That time is confirmed already.  C is kept as a *moment*, a closed version
   of no length: [t, t).  Moments and their child rows take no part in the normal form.

             t
      [A===========----
      [A===========----            and the moment C [t, t)

   There is one exception.  Where a version of content C ends exactly at t, C is taken for the last
   look at that version, and nothing is written.

Hence an observation that is not later than the last confirmation never changes what is current, and
of two observations of the same instant the one that was committed first stays.

A version never disappears and never loses its `seen_at`.  So two stored versions of equal content
never come to touch, and none are ever merged: only a new observation can meet its like.

Child rows follow the versions (`child_rows`).  From t until C ends, the entity has the rows of C:

* a row of equal content that is valid at t stays as it is;
* a row of other content, or of a child that C does not have, is cut out of this time;
* a row of equal content that begins where C ends begins at t instead;
* all others are new.

Where a row that is cut goes on afterwards, two pieces are left.  The stored row keeps the one that
contains the `seen_at` of the version whose id it carries; the other piece becomes a new row, with
the id of a version within it.  The state of the entity at a time is the version and the child rows
that are valid then.  The rows of a moment are those that carry its id.

Contents and times come out as if the observations had arrived in the order of their times.  This
holds for every order of arrival in which no record of other content arrives at t in a version that
has already taken an equal observation at some s >= t.  (Such an s is harmless if s >= seen_at > t.)
Ids, runs, untracked values and the last confirmation of a row that was split off may differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from scrapy_snapshot_pipeline.records import Outcome, SnapshotRecord, seen_at, snapshot_id
from scrapy_snapshot_pipeline.scd2.child_rows import ChildRows
from scrapy_snapshot_pipeline.scd2.plan import (
    ChangedVersion,
    CopiedVersion,
    NewVersion,
    Plan,
    StoredChild,
    StoredVersion,
)


def plan(
    records: Sequence[SnapshotRecord],
    versions: Iterable[StoredVersion],
    children: Iterable[StoredChild],
    into: Plan,
    *,
    retried: bool = False,
) -> list[Outcome]:
    """Add to `into` what `records` of one entity change, and return their outcomes.

    `records` are in order of arrival.  `versions` and `children` are what `reading` asked for, the
    current version always included.

    With `retried` an earlier attempt may have committed `records` without an answer: a stored
    version with a record's own id was written by it, and is reported as what it was then.  Where
    other writers have stored older versions meanwhile, that is a guess.
    """
    history = _History(records, versions, children, retried=retried)
    outcomes = [history.observe(record) for record in records]
    history.changes(into)
    return outcomes


class _Version:
    """A version being worked on; it has one of three origins."""

    __slots__ = (
        "content_hash",
        "last_confirmed_at",
        "record",
        "snapshot_id",
        "source_id",
        "stored",
        "valid_from",
        "valid_to",
    )

    def __init__(
        self,
        version: StoredVersion,
        *,
        stored: StoredVersion | None = None,
        record: SnapshotRecord | None = None,
        source_id: int | None = None,
    ) -> None:
        """Take the times and ids of `version`, and one of the others.

        `stored`: the version as it is stored; `record`: what a new one is made of; `source_id`: the
        stored version that a piece is copied from.
        """
        (
            self.snapshot_id,
            self.content_hash,
            self.valid_from,
            self.last_confirmed_at,
            self.valid_to,
            *_,
        ) = version
        self.stored = stored
        self.record = record
        self.source_id = source_id

    @property
    def seen_at(self) -> dt.datetime:
        return seen_at(self.snapshot_id)

    @property
    def lasts(self) -> bool:
        """Not a moment."""
        return self.valid_to != self.valid_from

    def contains(self, time: dt.datetime) -> bool:
        return self.valid_from <= time and (self.valid_to is None or time < self.valid_to)

    @property
    def first_id(self) -> int:
        """The id of the observation with which it begins, whether or not that is its own."""
        return snapshot_id(self.valid_from, self.content_hash)

    def split(self, time: dt.datetime) -> _Version:
        """Begin at `seen_at`; what was before `time` becomes the version that is returned."""
        start, own_id = self.valid_from, self.first_id
        self.valid_from = self.seen_at
        piece = StoredVersion(own_id, self.content_hash, start, start, time)
        if self.record is not None:
            record = self.record._replace(snapshot_id=own_id, observed_at=start)
            return _Version(piece, record=record)
        source_id = self.snapshot_id if self.stored is not None else self.source_id
        return _Version(piece, source_id=source_id)


class _History:
    """One entity's versions and child rows, as far as they matter here."""

    def __init__(
        self,
        records: Sequence[SnapshotRecord],
        versions: Iterable[StoredVersion],
        children: Iterable[StoredChild],
        *,
        retried: bool,
    ) -> None:
        self._entity_id = records[0].entity_id
        self._versions = sorted((_Version(v, stored=v) for v in versions), key=_by_time)
        self._children = ChildRows(children)
        self._retried = retried
        self._batch = {record.snapshot_id for record in records}
        self._observed: set[int] = set()
        """Those of the batch so far."""
        self._previous_hash: bytes | None = None
        self._late = 0

    def observe(self, record: SnapshotRecord) -> Outcome:
        """Place a record; afterwards everything is as if it was stored."""
        outcome = self._place(record)
        repeats = record.content_hash == self._previous_hash
        self._previous_hash = record.content_hash
        self._observed.add(record.snapshot_id)
        return Outcome.COALESCED if repeats and outcome is Outcome.CONFIRMED else outcome

    def changes(self, into: Plan) -> None:
        """Add to `into` what differs from what is stored."""
        into.late += self._late
        for version in self._versions:
            self._version_change(version, into)
        self._children.changes(self._entity_id, into)

    def _place(self, record: SnapshotRecord) -> Outcome:
        version = self._at(record.observed_at)
        if version is None:
            return self._begin_before(self._following(record.observed_at), record)
        if version.content_hash != record.content_hash:
            return self._place_within(version, record)
        version.last_confirmed_at = max(version.last_confirmed_at, record.observed_at)
        return self._found(record)

    def _place_within(self, version: _Version, record: SnapshotRecord) -> Outcome:
        """Place a record at whose time `version` is valid, which has other content."""
        time = record.observed_at
        # An id has few bits of the content: two of one instant may share it.  The second is then
        # taken for the first, since there can be no other row with that id.
        if record.snapshot_id == version.first_id or self._own(record) is not None:
            return self._found(record)
        if time > version.last_confirmed_at:
            return self._end(version, record)
        if version.valid_from < time < version.seen_at:
            return self._split(version, record)
        if self._ends_with(record):
            return Outcome.CONFIRMED
        return self._add_moment(record)

    def _at(self, time: dt.datetime) -> _Version | None:
        return next((v for v in reversed(self._versions) if v.contains(time)), None)

    def _own(self, record: SnapshotRecord) -> _Version | None:
        """The version with the record's own id."""
        return next((v for v in self._versions if v.snapshot_id == record.snapshot_id), None)

    def _following(self, time: dt.datetime) -> _Version | None:
        return next((v for v in self._versions if v.lasts and v.valid_from > time), None)

    def _ends_with(self, record: SnapshotRecord) -> bool:
        """Whether a version of the record's content ends exactly at its time."""
        return any(
            v.valid_to == record.observed_at and v.content_hash == record.content_hash
            for v in self._versions
        )

    def _begin_before(self, following: _Version | None, record: SnapshotRecord) -> Outcome:
        """Place a record at whose time no version is valid."""
        end = following.valid_from if following is not None else None
        return self._begin(record, end, following)

    def _end(self, version: _Version, record: SnapshotRecord) -> Outcome:
        end = version.valid_to
        version.valid_to = record.observed_at
        return self._begin(record, end, self._at(end) if end is not None else None)

    def _split(self, version: _Version, record: SnapshotRecord) -> Outcome:
        self._versions.append(version.split(record.observed_at))
        return self._begin(record, version.valid_from, version)

    def _begin(
        self, record: SnapshotRecord, end: dt.datetime | None, following: _Version | None
    ) -> Outcome:
        """From the time of the record to `end`, where `following` begins, its content is valid."""
        outcome = Outcome.REVISED if self._versions else Outcome.INSERTED
        if following is not None and following.content_hash == record.content_hash:
            following.valid_from = record.observed_at
            outcome = Outcome.CONFIRMED
        else:
            self._add(record, end)
            if end is not None:
                self._late += 1
        self._children.replace(record, end, self._first_seen_from)
        return outcome

    def _add_moment(self, record: SnapshotRecord) -> Outcome:
        self._add(record, record.observed_at)
        self._late += 1
        self._children.add_moment(record)
        return Outcome.REVISED

    def _add(self, record: SnapshotRecord, end: dt.datetime | None) -> None:
        time = record.observed_at
        version = StoredVersion(record.snapshot_id, record.content_hash, time, time, end)
        self._versions.append(_Version(version, record=record))
        self._versions.sort(key=_by_time)

    def _first_seen_from(self, start: dt.datetime) -> int:
        """The id of the first lasting version whose own observation is at `start` or later."""
        return next(v.snapshot_id for v in self._versions if v.lasts and v.seen_at >= start)

    def _found(self, record: SnapshotRecord) -> Outcome:
        """The outcome of a record of which nothing is to be stored."""
        if not self._retried or record.snapshot_id in self._observed:
            return Outcome.CONFIRMED
        own = self._own(record)
        if own is None or own.stored is None:
            return Outcome.CONFIRMED
        return Outcome.INSERTED if self._was_first(own) else Outcome.REVISED

    def _was_first(self, own: _Version) -> bool:
        """Whether nothing was stored of the entity when the earlier attempt wrote `own`."""
        others = [v for v in self._versions if v is not own]
        return own.lasts and not any(
            v.snapshot_id in self._observed
            or (v.snapshot_id not in self._batch and v.seen_at < own.seen_at)
            for v in others
        )

    def _version_change(self, version: _Version, into: Plan) -> None:
        times = (version.valid_from, version.last_confirmed_at, version.valid_to)
        if version.record is not None:
            into.new_versions.append(NewVersion(version.record, *times))
        elif version.source_id is not None:
            copied = CopiedVersion(self._entity_id, version.source_id, version.snapshot_id, *times)
            into.copied_versions.append(copied)
        elif version.stored is not None and times != version.stored[2:5]:
            changed = ChangedVersion(self._entity_id, version.snapshot_id, *times)
            into.changed_versions.append(changed)


def _by_time(version: _Version) -> dt.datetime:
    return version.valid_from
