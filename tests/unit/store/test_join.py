"""Which rows are joined: case by case, and that doing it twice changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.store.normal_form.join import (
    ChangedChild,
    DeletedChild,
    DeletedVersion,
    Joins,
    StoredChild,
    StoredVersion,
    WidenedVersion,
)

ENTITY, K, L = b"entity", b"k", b"l"
A, B = b"A", b"B"


def at(hour: int | None) -> Any:
    """A full hour; None stays open."""
    return None if hour is None else dt.datetime(2026, 1, 1, hour, tzinfo=dt.timezone.utc)


def version(
    content: bytes, begin: int, end: int | None, confirmed: int | None = None, *values: object
) -> StoredVersion:
    """A version whose id is the hour in which it begins."""
    seen = at(begin if confirmed is None else confirmed)
    return StoredVersion(begin, content, at(begin), at(end), values or None, seen)


def child(
    content: bytes, begin: int, end: int | None, owner: int | None = None, *values: object
) -> StoredChild:
    """A row of the child k, with the id of the version that begins with it."""
    own = begin if owner is None else owner
    return StoredChild(own, content, at(begin), at(end), values or None, 0, K)


def joined(versions: Sequence[StoredVersion], children: Sequence[StoredChild] = ()) -> Joins:
    """What is to be joined of one entity."""
    joins = Joins()
    joins.add(ENTITY, versions, children)
    return joins


def times(joins: Joins) -> list[tuple[int, Any, Any]]:
    """The versions that are widened: id, begin and last confirmation."""
    return [(v.snapshot_id, v.valid_from, v.last_confirmed_at) for v in joins.widened_versions]


def test_a_chain_becomes_its_last_version() -> None:
    """It has the first begin and the latest confirmation."""
    chain = [version(A, 1, 3, 2), version(A, 3, 5, 4), version(A, 5, None)]
    for order in (chain, chain[::-1]):
        joins = joined(order)
        assert joins.deleted_versions == [DeletedVersion(ENTITY, 1), DeletedVersion(ENTITY, 3)]
        assert joins.widened_versions == [WidenedVersion(ENTITY, 5, at(1), at(5))]
        assert joins.entity_ids == [ENTITY]


def test_the_latest_confirmation_may_be_that_of_an_earlier_version() -> None:
    """Nothing says that the last one was looked at last."""
    assert times(joined([version(A, 1, 3, 9), version(A, 3, None, 4)])) == [(3, at(1), at(9))]


def test_other_content_and_a_gap_part_versions() -> None:
    """And what does not touch is not joined."""
    for apart in (
        [version(A, 1, 3), version(B, 3, None)],
        [version(A, 1, 2), version(A, 3, None)],
        [version(A, 1, 3), version(B, 3, 5), version(A, 5, None)],
        [],
    ):
        assert joined(apart) == Joins()


def test_a_moment_takes_no_part() -> None:
    """Neither one between the versions, nor one at the instant at which they touch."""
    versions = [version(A, 1, 4), version(A, 4, None)]
    moments = [version(A, 1, 1), version(B, 2, 2), version(A, 4, 4)]
    rows = [child(A, 2, 2), child(A, 4, 4)]
    joins = joined(
        [*versions, *(each._replace(snapshot_id=each.snapshot_id + 100) for each in moments)],
        [each._replace(snapshot_id=each.snapshot_id + 100) for each in rows],
    )
    assert joins.deleted_versions == [DeletedVersion(ENTITY, 1)]
    assert not any(joins.changed_children.values())


def test_equal_values_are_equal_content() -> None:
    """Where they are known; else the hash decides."""
    assert times(joined([version(A, 1, 3, 1, "x"), version(B, 3, None, 3, "x")]))
    assert not times(joined([version(A, 1, 3, 1, "x"), version(B, 3, None, 3, "y")]))
    assert not times(joined([version(A, 1, 3), version(B, 3, None)]))


def test_rows_that_touch_become_the_last_one() -> None:
    """Also where the versions differ."""
    joins = joined(
        [version(A, 1, 3), version(B, 3, None)], [child(A, 1, 3), child(A, 3, 4), child(B, 4, None)]
    )
    assert joins.deleted_versions == []
    assert joins.deleted_children == {0: [DeletedChild(ENTITY, K, 1)]}
    assert joins.changed_children == {0: [ChangedChild(ENTITY, K, 3, 3, at(1))]}


def test_rows_of_different_children_are_never_joined() -> None:
    """However equal they are."""
    other = child(A, 3, None)._replace(child_id=L)
    elsewhere = child(A, 3, None)._replace(table=1)
    assert joined([version(A, 1, None)], [child(A, 1, 3), other, elsewhere]) == Joins()


def test_rows_get_the_id_of_the_version_that_survives() -> None:
    """Also those that were not cut."""
    joins = joined([version(A, 1, 3), version(A, 3, None)], [child(A, 1, None)])
    assert joins.changed_children == {0: [ChangedChild(ENTITY, K, 1, 3, at(1))]}
    assert joins.deleted_children == {0: []}


def test_versions_between_which_a_row_changes_are_not_joined() -> None:
    """Their hashes cannot be right; but nothing that is stored is lost."""
    versions = [version(A, 1, 3), version(A, 3, None)]
    for rows in ([child(A, 1, 3)], [child(A, 3, None)], [child(A, 1, 3), child(B, 3, None)]):
        assert joined(versions, rows) == Joins()


def test_a_row_that_would_take_the_key_of_another_stays() -> None:
    """As in a history that was altered by hand; its rows are still joined."""
    versions = [version(A, 1, 3), version(A, 3, None)]
    moment = child(A, 2, 2, owner=1)
    joins = joined(versions, [child(A, 1, 2, owner=4), child(A, 2, None, owner=3), moment])
    assert joins.deleted_versions == []
    assert joins.changed_children == {0: [ChangedChild(ENTITY, K, 3, 3, at(1))]}


@given(
    st.lists(st.sampled_from([A, B]), min_size=1, max_size=10),
    st.lists(st.sampled_from([A, B, None]), min_size=10, max_size=10),
)
def test_afterwards_nothing_is_left_to_join(
    contents: list[bytes], rows: list[bytes | None]
) -> None:
    """Where a row changes with its version, no version touches its like."""
    ends = [*range(1, len(contents)), None]
    marks = [own + (row or b"") for own, row in zip(contents, rows, strict=False)]
    versions = [
        version(mark, n, end) for (n, end), mark in zip(enumerate(ends), marks, strict=True)
    ]
    children = [
        child(row, n, end)
        for (n, end), row in zip(enumerate(ends), rows, strict=False)
        if row is not None
    ]
    joins = joined(versions, children)
    deleted = {each.snapshot_id for each in joins.deleted_versions}
    widened = {each.snapshot_id: each for each in joins.widened_versions}
    left = [
        v._replace(valid_from=widened[v.snapshot_id].valid_from) if v.snapshot_id in widened else v
        for v in versions
        if v.snapshot_id not in deleted
    ]
    gone = {each.snapshot_id for each in joins.deleted_children[0]}
    changed = {each.snapshot_id: each for each in joins.changed_children[0]}
    rows_left = [
        c._replace(snapshot_id=new.new_snapshot_id, valid_from=new.valid_from)
        if (new := changed.get(c.snapshot_id))
        else c
        for c in children
        if c.snapshot_id not in gone
    ]
    assert joined(left, rows_left).entity_ids == []
    assert all(one.content_hash != other.content_hash for one, other in zip(left, left[1:]))  # noqa: B905, RUF007 - neighbours
    assert {row.snapshot_id for row in rows_left} <= {v.snapshot_id for v in left}
