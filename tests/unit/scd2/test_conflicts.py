"""Which records say something else than their run has seen before."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

from scrapy_snapshot_pipeline.records import SnapshotRecord
from scrapy_snapshot_pipeline.scd2.conflicts import count_conflicts
from scrapy_snapshot_pipeline.scd2.plan import StoredVersion
from tests.unit.fakes import START, make_record

OURS, OTHERS = uuid.UUID(int=1), uuid.UUID(int=2)


def seen(number: int, content: str, run: uuid.UUID = OURS) -> SnapshotRecord:
    """A record with this id."""
    return make_record(number)._replace(content_hash=content.encode(), run_id=run)


def stored(number: int, content: str, run: uuid.UUID = OURS) -> StoredVersion:
    """A version with this id."""
    time = START + dt.timedelta(seconds=number)
    return StoredVersion(number, content.encode(), time, time, None, run)


@pytest.mark.parametrize(
    ("versions", "records", "conflicts"),
    [
        ([], "a", 0),
        ([], "aa", 0),
        ([], "ab", 1),
        ([], "aba", 2),
        ([stored(1, "a")], "a", 0),
        ([stored(1, "a")], "b", 1),
        ([stored(1, "a")], "bb", 1),
        ([stored(1, "a")], "ba", 2),
        ([stored(1, "a", OTHERS)], "b", 0),
        ([stored(1, "a", OTHERS)], "bc", 1),
        ([stored(1, "a"), stored(2, "b")], "b", 0),
        ([stored(2, "b"), stored(1, "a")], "b", 0),
        ([stored(1, "a"), stored(2, "b", OTHERS)], "a", 0),
        ([stored(1, "a"), stored(2, "b", OTHERS)], "b", 1),
        ([stored(1, "a"), stored(10, "b")], "b", 1),
        ([stored(10, "b")], "b", 0),
        ([stored(10, "a"), stored(11, "b")], "ab", 1),
    ],
)
def test_a_record_is_compared_with_what_its_own_run_saw_last(
    versions: list[StoredVersion], records: str, conflicts: int
) -> None:
    """The records have the ids 10, 11 and 12: what has such an id is from an earlier attempt."""
    batch = [seen(number, content) for number, content in enumerate(records, start=10)]
    assert count_conflicts(batch, versions, None) == conflicts


def test_two_runs_in_one_batch_do_not_contradict_each_other() -> None:
    """As in a replay, which stores what several crawls have left."""
    assert count_conflicts([seen(10, "a"), seen(11, "b", OTHERS), seen(12, "a")], [], None) == 0


@pytest.mark.parametrize(
    ("remembered", "records", "conflicts"),
    [(b"a", "b", 1), (b"a", "a", 0), (b"b", "b", 0), (b"b", "ba", 1), (None, "b", 0)],
)
@pytest.mark.parametrize(
    "version",
    [stored(1, "a", OTHERS), stored(1, "b", OTHERS), stored(1, "b")],
    ids=["a of others", "b of others", "b"],
)
def test_what_is_remembered_is_newer_than_what_is_stored(
    version: StoredVersion, remembered: bytes | None, records: str, conflicts: int
) -> None:
    """What a run saw last, it may have found stored by another one."""
    batch = [seen(number, content) for number, content in enumerate(records, start=10)]
    assert count_conflicts(batch, [version], remembered) == conflicts
