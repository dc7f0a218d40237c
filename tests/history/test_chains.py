"""What an older release has split is shown as one: where, and where not."""

from __future__ import annotations

from contextlib import closing

from scrapy_snapshot_pipeline.history import ChangeKind, SnapshotHistory
from tests.contract.entities import Observation, at
from tests.contract.split_histories import TABLE, split
from tests.contract.stores import DatabaseStore, write

CONFIRMED = [Observation("a", second, 0, {"x": 0}) for second in range(0, 9, 2)]
CHANGED = [Observation("a", second, 1, {"x": 0}) for second in (10, 14)]


def store_split(url: str) -> None:
    """Versions from 0 to 8 and from 10 on, each in pieces; the one row is in pieces too."""
    with closing(DatabaseStore(url)) as store:
        for each in (*CONFIRMED, *CHANGED):
            write(store, each)
    split(url, {2, 4, 13})


def test_a_chain_is_one_version(database_url: str) -> None:
    """It has the times of the whole, and what repeats is no change."""
    store_split(database_url)
    with SnapshotHistory(database_url) as history:
        shown = list(history.versions(TABLE, "a"))
        assert history.changes(TABLE).count() == len(list(history.changes(TABLE))) == 2
        assert history.changes(TABLE, since=at(11)).count() == 0
    assert [version.kind for version in shown] == [ChangeKind.NEW, ChangeKind.CHANGED]
    assert [(v.changed_at, v.last_confirmed_at, v.valid_to) for v in shown] == [
        (at(0), at(8), at(10)),
        (at(10), at(14), None),
    ]


def test_a_state_has_the_times_of_its_chain(database_url: str) -> None:
    """Now and then, with its rows, and where a number moved."""
    store_split(database_url)
    with SnapshotHistory(database_url) as history:
        [now], [then] = history.current(TABLE), history.as_of(TABLE, at(3))
        [mover] = history.movers(TABLE, "score", since=at(9), by="absolute")
    assert (now.changed_at, now.last_confirmed_at, now.valid_to) == (at(10), at(14), None)
    assert (then.changed_at, then.last_confirmed_at, then.valid_to) == (at(0), at(8), at(10))
    assert [row.changed_at for row in now.children["markets"]] == [at(0)]
    assert mover.changed_at == at(10)
