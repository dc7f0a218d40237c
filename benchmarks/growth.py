"""Section C: what a batch costs when much is stored, and how much room a version takes."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from benchmarks.databases import Databases, open_store
from benchmarks.items import BATCH, RUN_ID, START, event, records
from benchmarks.measure import Row, interleaved, timed
from scrapy_snapshot_pipeline.records import Batch, SnapshotRecord
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore

_VERSIONS = 5
"""Stored versions of each entity, the last of which is current."""
_ONE = 10_000
"""Versions of the entity that has many."""
_CONFIRMED = 40
"""Batches in which the HOT updates are counted."""
_BATCHES = 4
"""Batches of a run; one alone takes so little time that anything may disturb it."""
_STRIDE = 7_919
"""Distance between the entities of a batch, so that they lie all over the table."""


@dataclass(frozen=True)
class Size:
    """Numbers of stored versions, from small to large."""

    versions: Sequence[int]
    runs: int


class _Filled:
    """A database with many versions, which the server itself makes, since that is fastest."""

    def __init__(self, url: str, versions: int) -> None:
        self.store: SnapshotStore = open_store(url)
        self.engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        self._entities = versions // _VERSIONS
        self._look = 0
        self._contents: dict[int, bytes] = {}
        """The content of the entities that have changed since."""
        self._added: list[str] = []
        """The ids of new entities that were not removed yet."""
        with self.engine.connect() as connection:
            connection.execute(sa.text(_FILL), {"entities": self._entities, "run": str(RUN_ID)})
            connection.execute(sa.text("VACUUM ANALYZE event"))

    def batch(self, changed: int) -> Batch:
        """Entities from all over the table, the first `changed` of which have new content."""
        self._look += 1
        template = records(iter([event(0, 0)]), START + dt.timedelta(days=self._look))[0]
        numbers = [1 + (self._look * 17 + n * _STRIDE) % self._entities for n in range(BATCH)]
        distinct = list(dict.fromkeys(numbers))
        self._contents |= {n: _md5(f"c{n} in {self._look}") for n in distinct[:changed]}
        return Batch(tuple(_seen(template, n, self._content(n)) for n in distinct))

    def new(self) -> Batch:
        """Entities never seen before."""
        self._look += 1
        first = 1_000_000_000 + self._look * BATCH
        template = records(iter([event(0, 0)]), START + dt.timedelta(days=self._look))[0]
        seen = [_seen(template, first + n, self._content(first + n)) for n in range(BATCH)]
        self._added += [record.entity_id.hex() for record in seen]
        return Batch(tuple(seen))

    def remove_new(self) -> None:
        """Remove new entities again, since a small table would soon be a large one."""
        if not self._added:
            return
        added, self._added = self._added, []
        with self.engine.connect() as connection:
            sql = "DELETE FROM event WHERE entity_id = ANY(CAST(:added AS uuid[]))"
            connection.execute(sa.text(sql), {"added": added})
            connection.execute(sa.text("VACUUM event"))
            # Otherwise the server would write its pages during the next run.
            connection.execute(sa.text("CHECKPOINT"))

    def _content(self, number: int) -> bytes:
        return self._contents.get(number) or _md5(f"c{number}")

    def bytes_a_version(self) -> str:
        """The room that a version takes in the table and in the indexes."""
        sql = (
            "SELECT pg_table_size('event') * 1.0 / count(*), "
            "pg_indexes_size('event') * 1.0 / count(*) FROM event"
        )
        with self.engine.connect() as connection:
            table, indexes = connection.execute(sa.text(sql)).one()
        return f"{table:.0f} bytes in the table, {indexes:.0f} in indexes"

    def huge_pages(self) -> str:
        """Whether the server's buffers are in huge pages; PostgreSQL says it since version 17."""
        sql = "SELECT coalesce(current_setting('huge_pages_status', true), 'unknown')"
        with self.engine.connect() as connection:
            return str(connection.scalar(sa.text(sql)))

    def hot_updates(self) -> tuple[int, int]:
        """The updates so far that touched no index, and all updates."""
        sql = (
            "SELECT pg_stat_get_tuples_hot_updated(oid), pg_stat_get_tuples_updated(oid) "
            "FROM pg_class WHERE relname = 'event'"
        )
        with self.engine.connect() as connection:
            hot, updated = connection.execute(sa.text(sql)).one()
        return hot, updated

    def close(self) -> None:
        """Release the connections."""
        self.store.close()
        self.engine.dispose()


def measure(databases: Databases, size: Size) -> Iterator[Row]:
    """All of section C."""
    urls = {versions: databases.postgresql() for versions in size.versions}
    filled = {versions: _Filled(url, versions) for versions, url in urls.items()}
    smallest = min(filled)
    pages = f"huge pages {filled[smallest].huge_pages()}"
    yield _hot_share(filled[smallest])  # before anything has changed
    kinds: Mapping[str, Callable[[_Filled], Batch]] = {
        "unchanged": lambda each: each.batch(0),
        "10 % changed": lambda each: each.batch(BATCH // 10),
        "all new": lambda each: each.new(),
    }
    for kind, batch in kinds.items():
        seconds = interleaved(_sides(filled, batch), size.runs)
        base = seconds[f"{smallest:,}"]
        for versions in size.versions[1:]:
            each = seconds[f"{versions:,}"]
            name = f"batch {kind}: {versions:,} versions stored / {smallest:,}"
            goal = "<= 1.3" if versions == max(filled) else ""
            detail = f"{each * 1e3:.1f} ms against {base * 1e3:.1f} ms, {pages}"
            yield Row("C", name, each / base, goal, detail, size.runs)
    yield from _many_versions(filled[smallest], size.runs)
    yield Row(
        "C",
        "storage a version, without children",
        None,
        detail=filled[max(filled)].bytes_a_version(),
    )
    for versions, url in urls.items():
        filled[versions].close()
        databases.drop(url)


def _sides(
    filled: Mapping[int, _Filled], batch: Callable[[_Filled], Batch]
) -> dict[str, Callable[[], float]]:
    def side(each: _Filled) -> Callable[[], float]:
        def seconds() -> float:
            each.store.write(batch(each))  # the first batch after other sides finds cold caches
            batches = [batch(each) for _ in range(_BATCHES)]
            taken = timed(lambda: [each.store.write(one) for one in batches]) / _BATCHES
            each.remove_new()
            return taken

        return seconds

    return {f"{versions:,}": side(each) for versions, each in filled.items()}


def _many_versions(filled: _Filled, runs: int) -> Iterator[Row]:
    """A change of an entity that has far too many versions."""
    number = 2_000_000_000
    template = records(iter([event(0, 0)]), START)[0]
    first = _seen(template, number, _md5(f"c{number}"))
    with filled.engine.connect() as connection:
        parameters = {"entity": first.entity_id.hex(), "versions": _ONE, "run": str(RUN_ID)}
        connection.execute(sa.text(_FILL_ONE), parameters)
    looks = iter(range(1, 1_000_000))

    def once(number: int) -> float:
        look = next(looks)
        seen = records(iter([event(look, 0)]), START + dt.timedelta(days=3_000 + look))[0]
        record = seen._replace(entity_id=_md5(f"e{number}"))
        return timed(lambda: filled.store.write(Batch((record,))))

    runs = max(runs, 9)
    seconds = interleaved({"many": lambda: once(number), "few": lambda: once(1)}, runs)
    ratio = seconds["many"] / seconds["few"]
    detail = f"{seconds['many'] * 1e3:.2f} ms against {seconds['few'] * 1e3:.2f} ms"
    yield Row(
        "C",
        f"one change: entity with {_ONE:,} versions / with {_VERSIONS}",
        ratio,
        "",
        detail,
        runs,
    )


def _hot_share(filled: _Filled) -> Row:
    """Confirm everything again and again, as crawls do."""
    before = _updates(filled)
    for _ in range(_CONFIRMED):
        filled.store.write(filled.batch(0))
    after = _updates(filled)
    hot, updated = after[0] - before[0], after[1] - before[1]
    detail = f"{hot:,} of {updated:,} updates"
    return Row("C", "HOT share of confirmations", hot / max(updated, 1), ">= 0.95", detail)


def _updates(filled: _Filled) -> tuple[int, int]:
    """The updates so far.  The server counts those of a session some time after its end."""
    filled.store.close()
    before, updates = (-1, -1), filled.hot_updates()
    while before != updates:
        time.sleep(0.5)
        before, updates = updates, filled.hot_updates()
    return updates


def _seen(template: SnapshotRecord, number: int, content: bytes) -> SnapshotRecord:
    """A record of entity `number`, which `_FILL` may have made."""
    values = (f"event-{number}", *template.values[1:])
    return template._replace(entity_id=_md5(f"e{number}"), content_hash=content, values=values)


def _md5(text: str) -> bytes:
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


_COLUMNS = """
    entity_id, snapshot_id, event_id, bookmaker, home_team, away_team, kickoff, price, url,
    content_hash, valid_from, last_confirmed_at, valid_to, run_id"""
_OWN = """
    'event-' || n, 'bench', 'Home Rovers', 'Away United', '2026-01-01Z', 1.95,
    'https://odds.example/events/' || n || '?lang=en'"""
_FILL = f"""
    INSERT INTO event ({_COLUMNS})
    SELECT md5('e' || n)::uuid, v, {_OWN},
        decode(md5(CASE WHEN v = {_VERSIONS} THEN 'c' || n ELSE v || 'c' || n END), 'hex'),
        timestamptz '2025-01-01Z' + v * interval '1 day',
        timestamptz '2025-01-01Z' + v * interval '1 day',
        CASE WHEN v < {_VERSIONS} THEN timestamptz '2025-01-02Z' + v * interval '1 day' END,
        CAST(:run AS uuid)
    FROM generate_series(1, {_VERSIONS}) v, generate_series(1, :entities) n"""
_FILL_ONE = f"""
    INSERT INTO event ({_COLUMNS})
    SELECT CAST(:entity AS uuid), n, {_OWN}, decode(md5(n::text), 'hex'),
        timestamptz '2000-01-01Z' + n * interval '1 hour',
        timestamptz '2000-01-01Z' + n * interval '1 hour',
        CASE WHEN n < :versions THEN timestamptz '2000-01-01Z' + (n + 1) * interval '1 hour' END,
        CAST(:run AS uuid)
    FROM generate_series(1, :versions) n"""
