"""Histories of an older release: they are read, and normalized, as if they had never been split."""

from __future__ import annotations

import logging
import random
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.history import Answer, SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.normal_form.normalizer import Normalized
from scrapy_snapshot_pipeline.store.schema.tables import SCHEMA, SCHEMA_VERSION, entity_tables
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.entities import RUN, Observation, at
from tests.contract.history import History, Row, Version, read
from tests.contract.rivals import wait_until_blocked
from tests.contract.split_histories import (
    TABLE,
    contract_tables,
    normalize,
    normalizer,
    split,
    transaction,
)
from tests.contract.stores import DatabaseStore, write
from tests.contract.test_locks import locked_before, sorted_names

NAMES = tuple("abcdefgh")
SPAN = 24
"""Seconds of a history."""


def histories(url: str, names: Sequence[str] = NAMES) -> list[History]:
    """What the tables hold of each entity."""
    with transaction(url) as connection:
        return [read(connection, contract_tables(), name) for name in names]


def answers(url: str) -> list[object]:
    """What the history says to every question."""
    with SnapshotHistory(url) as history:
        stored = {state.key["name"] for state in history.current(TABLE)}
        times = [at(second) for second in (7, 16)]
        lists: list[Answer[Any]] = [
            *(history.versions(TABLE, name) for name in sorted(stored)[:3]),
            *(history.changes(TABLE, newest_first=newest) for newest in (True, False)),
            *(history.changes(TABLE, since=time, until=at(SPAN - 2)) for time in times),
            *(history.new(TABLE, since=time) for time in times),
            *(history.not_seen(TABLE, since=time) for time in times),
            *(history.as_of(TABLE, time) for time in times),
            *(history.diff(TABLE, times[0], time) for time in times),
            *(history.movers(TABLE, "score", since=time) for time in times),
            *(history.movers(TABLE, "markets.price", since=time) for time in times),
            *(history.steps(TABLE, name, "score") for name in sorted(stored)[:3]),
            history.current(TABLE),
        ]
        return [*map(list, lists), *(each.count() for each in lists)]


class Story(NamedTuple):
    """What crawls saw, and where the release before has split it."""

    seen: tuple[Observation, ...]
    moments: bool
    splits: frozenset[int]
    seed: int

    def store(self, url: str) -> None:
        """Write the observations in order, and afterwards moments within what was confirmed."""
        with closing(DatabaseStore(url)) as store:
            write(store, *self.seen)
            for name in {each.name for each in self.seen} if self.moments else ():
                for version in store.history(name).versions:
                    if version.valid_from + 1 < version.last_confirmed_at:
                        write(store, Observation(name, version.valid_from + 1, 9, {"x": 5}))

    def split(self, url: str) -> None:
        """Split it; some child rows are cut, others are not."""
        chance = random.Random(self.seed)  # noqa: S311 - no secret
        split(url, self.splits, lambda: chance.random() < 0.5)


STORIES = st.builds(
    Story,
    st.lists(
        st.builds(
            Observation,
            name=st.sampled_from(NAMES),
            second=st.integers(0, SPAN - 1),
            score=st.integers(0, 1),
            markets=st.dictionaries(st.sampled_from("xy"), st.sampled_from([0, 4]), max_size=2),
        ),
        min_size=40,
        max_size=80,
        unique_by=lambda each: (each.name, each.second),
    ).map(lambda seen: tuple(sorted(seen, key=lambda each: each.second))),
    st.booleans(),
    st.frozensets(st.integers(0, SPAN - 1), min_size=3),
    st.integers(0, 999),
)


SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
"""Each story has the histories of many entities, since most of the time goes into the questions."""


def check(story: Story, url: str) -> None:
    """Split, read, normalize, read, normalize."""
    story.store(url)
    plain, told = histories(url), answers(url)
    story.split(url)
    assert answers(url) == told
    before = histories(url)
    counts = normalize(url, dry_run=True)
    assert histories(url) == before
    assert normalize(url) == counts
    assert counts.versions == sum(len(h.versions) for h in before) - sum(
        len(h.versions) for h in plain
    )
    assert histories(url) == plain
    assert normalize(url) == Normalized(counts.entities)


@settings(max_examples=6, suppress_health_check=SLOW)
@given(STORIES)
def test_split_history_is_read_and_normalized_as_if_it_were_whole(story: Story) -> None:
    """Whatever it was, and wherever it was split."""
    with tempfile.TemporaryDirectory() as folder:
        check(story, f"sqlite:///{Path(folder) / 'snapshots.db'}")


@settings(max_examples=2, suppress_health_check=SLOW)
@given(story=STORIES)
def test_the_same_on_postgresql(story: Story, postgresql_url: str) -> None:
    """There ids, times and rows have types of their own."""
    DatabaseStore(postgresql_url).close()
    with transaction(postgresql_url) as connection:
        for table in reversed(contract_tables().all):
            connection.execute(sa.delete(table))
        connection.execute(sa.update(SCHEMA).values(version=SCHEMA_VERSION))
    check(story, postgresql_url)


CHAIN = [Observation("a", second, 0, {"x": 0, "y": 4}) for second in range(0, SPAN, 4)]
CHANGED = Observation("a", SPAN, 1, {"x": 0})
LATE = Observation("a", 6, 7, {"y": 4, "z": 1})


def store_chain(url: str) -> None:
    """One version, split into five, with a moment in one of them; then a change."""
    with closing(DatabaseStore(url)) as store:
        for each in (*CHAIN, CHANGED, LATE):
            write(store, each)
    split(url, {4, 8, 12, 16})


def test_chain_becomes_one_version(database_url: str) -> None:
    """It begins where the first one began; the moment between them stays, with its rows."""
    store_chain(database_url)
    assert len(histories(database_url, ["a"])[0].versions) == 7
    assert normalize(database_url) == Normalized(1, versions=4, children=4 * 4 + 2)
    [history] = histories(database_url, ["a"])
    assert history == History(
        (Version(0, 0, 20, SPAN), Version(7, 6, 6, 6), Version(1, SPAN, SPAN, None)),
        frozenset(
            {
                Row(("x",), 0, 0, None),
                Row(("x", "home"), 0, 0, None),
                Row(("y",), 1, 0, SPAN),
                Row(("y", "home"), 1, 0, SPAN),
                Row(("y",), 1, 6, 6),
                Row(("y", "home"), 1, 6, 6),
                Row(("z",), 1, 6, 6),
                Row(("z", "home"), 0, 6, 6),
            }
        ),
    )


def test_last_version_survives_and_its_rows_have_its_id(database_url: str) -> None:
    """A crawl that confirms what is current finds it under the id that it had."""
    store_chain(database_url)
    versions, markets = contract_tables().versions, contract_tables().children[0]
    last = sa.select(sa.func.max(versions.c.snapshot_id)).where(versions.c.score == Decimal(0))
    ids = sa.select(markets.c.snapshot_id).where(
        markets.c.name == "y", markets.c.valid_from == at(0)
    )
    with transaction(database_url) as connection:
        survivor = connection.execute(last).scalar_one()
    normalize(database_url)
    with transaction(database_url) as connection:
        assert connection.execute(ids).scalars().all() == [survivor]
        assert connection.execute(last).scalar_one() == survivor


def test_changes_views_leave_out_what_repeats(database_url: str) -> None:
    """Of an entity, and of a row."""
    store_chain(database_url)
    kinds = {}
    with transaction(database_url) as connection:
        for view in (TABLE, f"{TABLE}_markets"):
            kind = sa.column("kind", sa.Text())
            question = sa.select(kind).select_from(sa.table(f"{view}_changes"))
            kinds[view] = sorted(connection.execute(question).scalars())
    assert kinds == {TABLE: ["changed", "new"], f"{TABLE}_markets": ["added", "added", "removed"]}


def test_interrupted_walk_can_be_started_again(database_url: str) -> None:
    """What is joined stays joined; only a walk that came to its end makes the table count so."""
    names = [f"e{number}" for number in range(6)]
    with closing(DatabaseStore(database_url)) as store:
        for second in (0, 4, 8):
            write(store, *(Observation(name, second, 0, {"x": 1}) for name in names))
    whole = histories(database_url, names)
    split(database_url, {4, 8})
    with normalizer(database_url, slice_rows=1) as walk:
        parts = walk.normalize(TABLE)
        assert [next(parts), next(parts)] == [Normalized(1, 2, 4)] * 2
        parts.close()  # type: ignore[attr-defined]
        assert (
            sum(
                one == other
                for one, other in zip(histories(database_url, names), whole, strict=True)
            )
            == 2
        )
        assert stored_version(database_url) == 1
        assert walk.count_entities(TABLE) == 6
        assert sum(walk.normalize(TABLE), Normalized()) == Normalized(6, 8, 16)
    assert histories(database_url, names) == whole
    assert stored_version(database_url) == SCHEMA_VERSION


def stored_version(url: str) -> int:
    """The version that the contract's table counts as."""
    with transaction(url) as connection:
        found = sa.select(SCHEMA.c.version).where(SCHEMA.c.table_name == TABLE)
        version: int = connection.execute(found).scalar_one()
        return version


@pytest.mark.parametrize("count", [3, 4])
def test_start_names_a_table_with_many_pairs(
    database_url: str, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    """Once, until it is normalized; a few pairs are not worth it."""
    with closing(DatabaseStore(database_url)) as store:
        for second in range(6):
            write(store, Observation("a", second, 0, {}))
    split(database_url, range(1, count + 1))
    caplog.set_level(logging.WARNING)
    DatabaseStore(database_url).close()
    warnings = [text for text in caplog.messages if f"`scrapy snapshots normalize {TABLE}`" in text]
    assert len(warnings) == (count > 3)
    normalize(database_url)
    caplog.clear()
    DatabaseStore(database_url).close()
    assert not caplog.messages


def test_table_in_normal_form_is_not_looked_at(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its version says enough."""
    with closing(DatabaseStore(database_url)) as store:
        for second in range(9):
            write(store, Observation("a", second, 0, {}))
    split(database_url, range(9))
    with transaction(database_url) as connection:
        connection.execute(sa.update(SCHEMA).values(version=SCHEMA_VERSION))
    DatabaseStore(database_url).close()
    assert not caplog.messages


@pytest.mark.postgresql
def test_crawl_writes_meanwhile(postgresql_url: str) -> None:
    """Both come to their end, and to the history that the crawl alone would have made."""
    names = [f"e{number}" for number in range(40)]
    rounds = [(second, second // 9 % 2) for second in range(60)]

    def crawl(database: DatabaseStore, seconds: Sequence[int]) -> None:
        for second, score in (rounds[s] for s in seconds):
            write(database, *(Observation(n, second, score, {"x": score}) for n in names))

    with closing(DatabaseStore(postgresql_url)) as store:
        crawl(store, range(30))
        split(postgresql_url, range(30))
        crawling = threading.Thread(target=crawl, args=(store, range(30, 60)), daemon=True)
        crawling.start()
        joined = normalize(postgresql_url)
        while crawling.is_alive():
            joined += normalize(postgresql_url)
        crawling.join()
        assert joined.versions > 40 * 20
        expected = [
            (score, second, second + (8 if second < 54 else 5))
            for second, score in rounds
            if second % 9 == 0
        ]
        for name in names:
            stored = [tuple(version)[:3] for version in store.history(name).versions]
            assert stored == expected


@pytest.mark.postgresql
def test_entities_are_locked_in_the_order_of_their_ids(postgresql_url: str) -> None:
    """As a crawl locks them, and only those of which something is joined."""
    names = sorted_names(20)
    with closing(DatabaseStore(postgresql_url)) as store:
        for second in (0, 1):
            write(store, *(Observation(name, second, 0, {}) for name in names[::-2]))
        split(postgresql_url, {1})
        write(store, *(Observation(name, 2, 0, {}) for name in names[::2]))
    other = sa.create_engine(postgresql_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    locked = locked_before(names[11], lambda: normalize(postgresql_url), other)
    assert locked == set(names[1:11:2])


@pytest.mark.postgresql
def test_confirmation_that_commits_meanwhile_is_kept(postgresql_url: str) -> None:
    """What is joined is read under the lock, not before it."""
    with closing(DatabaseStore(postgresql_url)) as store:
        write(store, *(Observation("a", second, 0, {"x": 1}) for second in (0, 2, 4)))
    split(postgresql_url, {2})
    walking = threading.Thread(target=normalize, args=(postgresql_url,), daemon=True)
    with transaction(postgresql_url) as connection:
        versions = contract_tables().versions
        current = sa.update(versions).where(versions.c.valid_to.is_(None))
        connection.execute(current.values(last_confirmed_at=at(9)))
        walking.start()
        with transaction(postgresql_url) as looking:
            wait_until_blocked(looking)
    walking.join()
    [history] = histories(postgresql_url, ["a"])
    assert history.versions == (Version(0, 0, 9, None),)


# Equal by value


@snapshot(key="name")
@dataclass
class Part:
    """A row with JSON."""

    name: str
    extra: Any = None


@snapshot(key="name", table="normal_form_thing")
@dataclass
class Thing:
    """No JSON of its own."""

    name: str
    parts: list[Part] = field(default_factory=list)


UNTYPED = "normal_form_book"
DECLARATIONS = Declarations({dict: {"table": UNTYPED, "key": "name"}})


@contextmanager
def two_versions(url: str, *items: Any) -> Iterator[None]:
    """Store the items one second after the other, as a table of an older release."""
    found = DECLARATIONS.of(type(items[0]))
    assert found is not None
    capture = compile_capture(found)
    with closing(SnapshotStore(connect_engine(url, connect_timeout=10))) as store:
        store.declare([found])
        for second, item in enumerate(items):
            store.write(Batch((capture(item, at(second), RUN),)))
    with transaction(url) as connection:
        connection.execute(sa.update(SCHEMA).values(version=1))
    yield


@pytest.mark.parametrize(
    ("old", "joined"), [("10.0", 1), ("1e1", 1), ("true", 0), ('"10"', 0), ("10.5", 0)]
)
def test_equal_values_are_joined_whatever_their_hashes(
    database_url: str, old: str, joined: int
) -> None:
    """Older releases told 10 from 10.0; a boolean and a text are no number."""
    with two_versions(database_url, {"name": "a", "n": 10}, {"name": "a", "n": 11}):
        update(database_url, UNTYPED, "data", f'{{"n":{old}}}')
    assert normalize(database_url, UNTYPED) == Normalized(1, versions=joined)


@pytest.mark.parametrize(("old", "joined"), [("10.0", 1), ("12", 0)])
def test_equal_values_in_rows_are_joined(database_url: str, old: str, joined: int) -> None:
    """They are part of the version's hash, which has no JSON of its own."""
    things = [Thing("a", [Part("p", [extra]), Part("q", 3)]) for extra in (10, 11)]
    with two_versions(database_url, *things):
        update(database_url, "normal_form_thing_parts", "extra", f"[{old}]")
    assert normalize(database_url, "normal_form_thing") == Normalized(1, joined, joined)


def update(url: str, table: str, column: str, text: str) -> None:
    """Give the row that came last another JSON text."""
    found = DECLARATIONS.of(dict) if table == UNTYPED else DECLARATIONS.of(Thing)
    assert found is not None
    entity = entity_tables(found, sa.MetaData())
    [stored] = [each for each in entity.all if each.name == table]
    with transaction(url) as connection:
        changed = sa.update(stored).where(stored.c.valid_from == at(1))
        assert connection.execute(changed.values({column: text})).rowcount == 1
