"""SnapshotHistory: every question that the history answers."""

from __future__ import annotations

import datetime as dt
import heapq
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from scrapy_snapshot_pipeline import catalog
from scrapy_snapshot_pipeline.errors import HistoryError, NoSuchEntityError
from scrapy_snapshot_pipeline.history import keys, numbers
from scrapy_snapshot_pipeline.history.answer import Answer
from scrapy_snapshot_pipeline.history.answers import (
    Change,
    ChildKind,
    Difference,
    FieldStatistics,
    Mover,
    Run,
    State,
    Step,
    TableInfo,
)
from scrapy_snapshot_pipeline.history.compare import child_changes, field_changes
from scrapy_snapshot_pipeline.history.keys import Key, Where
from scrapy_snapshot_pipeline.history.queries import (
    Condition,
    Queries,
    StepRow,
    at_time,
    close_streams,
    lasting,
    overlapping,
    stream,
)
from scrapy_snapshot_pipeline.history.read_engine import read_engine
from scrapy_snapshot_pipeline.history.series import number_path, numeric_paths
from scrapy_snapshot_pipeline.history.states import changes, chunks, states
from scrapy_snapshot_pipeline.ledger import FINISHED
from scrapy_snapshot_pipeline.schema import RUNS, SCHEMA, SCHEMA_VERSION, entity_tables
from scrapy_snapshot_pipeline.tables import Role

Moment: TypeAlias = "dt.datetime | uuid.UUID"

_NEIGHBOURS = 500
_COUNTERS = tuple(c.name for c in RUNS.columns if isinstance(c.type, sa.BigInteger))
_LAST = dt.datetime.max.replace(tzinfo=dt.timezone.utc)


class SnapshotHistory:
    """Reads what the pipeline stored; nothing is ever written.

    Use it as a context manager.  Methods raise HistoryError for a table, field, key or time that
    makes no sense, and NoSuchEntityError (a HistoryError) for an unknown key.  Where no run or time
    is given for an end, it is now.  Entities come in the order of their ids, unless said otherwise.

    `key` holds the values of the key fields: by name, in their order, or the one value alone; texts
    of other kinds ("12", "2024-05-01") are understood.  `where` lets through only entities with
    these values in key fields; a list, tuple or set means any of its members.  A `Moment` is an
    aware time or the id of a run.
    """

    def __init__(self, url: str) -> None:
        """`url`: as `SNAPSHOT_DATABASE_URL`.  Raises HistoryError where no database is there."""
        self._engine = read_engine(url)
        self._tables = {q.entity.declaration.table: q for q in self._learn()}

    def __enter__(self) -> SnapshotHistory:  # noqa: PYI034 - no `Self` before Python 3.11
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release all connections."""
        self._engine.dispose()

    def tables(self) -> tuple[TableInfo, ...]:
        """All tables of entities, by name."""
        return tuple(self.table(name) for name in sorted(self._tables))

    def table(self, name: str) -> TableInfo:
        """One of them."""
        declaration = self._queries(name).entity.declaration
        return TableInfo(
            name=name,
            key=tuple(c.name for c in declaration.columns if c.role is Role.KEY),
            fields=tuple(c.name for c in declaration.columns),
            children=tuple(".".join(child.path) for child in declaration.children),
            numeric=numeric_paths(declaration),
            untyped=declaration.untyped,
        )

    def runs(self, *, spider: str | None = None) -> Answer[Run]:
        """All crawls, latest first."""

        def ask() -> Iterator[Run]:
            statement = sa.select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.run_id)
            if spider is not None:
                statement = statement.where(RUNS.c.spider == spider)
            with self._reading() as connection:
                for row in stream(connection, statement):
                    yield _run(row)

        return Answer(ask)

    def current(self, table: str, *, where: Where = None) -> Answer[State]:
        """The current state of every entity."""
        return self._states(table, None, where)

    def as_of(self, table: str, at: Moment, *, where: Where = None) -> Answer[State]:
        """The state of every entity at a time, or at the end of a run."""
        return self._states(table, self._end(at), where)

    def versions(self, table: str, key: Key) -> Answer[Change]:
        """One entity's whole history, oldest first, LATE versions included."""
        queries = self._queries(table)
        wanted = queries.v.c.entity_id == self._known_entity(queries, key)
        return self._changes(queries, [wanted], [wanted], newest_first=False)

    def changes(
        self,
        table: str,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        where: Where = None,
        newest_first: bool = True,
    ) -> Answer[Change]:
        """What changed at or after `since` (of a run: its start) and before `until` (its end)."""
        queries = self._queries(table)
        v, filters = queries.v, keys.conditions(queries.entity.declaration, queries.v, where)
        begun, ended = [lasting(v), *filters], [*filters]
        if since is not None:
            begun.append(v.c.valid_from >= self._start(since))
            ended.append(v.c.valid_to >= self._start(since))
        if until is not None:
            begun.append(v.c.valid_from < self._end(until))
            ended.append(v.c.valid_to < self._end(until))
        return self._changes(queries, begun, ended, newest_first=newest_first)

    def new(self, table: str, *, since: Moment, where: Where = None) -> Answer[Change]:
        """The entities that were seen for the first time since then, latest first."""
        queries = self._queries(table)
        filters = keys.conditions(queries.entity.declaration, queries.v, where)
        begun = [lasting(queries.v), queries.v.c.valid_from >= self._start(since), *filters]

        def ask() -> Iterator[Change]:
            with self._reading() as connection:
                steps = queries.steps(connection, *begun, newest_first=True)
                first = (step for step in steps if step.previous is None)
                yield from changes(connection, queries, first)

        return Answer(ask)

    def not_seen(
        self, table: str, *, since: Moment | None = None, where: Where = None
    ) -> Answer[State]:
        """Current states that were not confirmed since a time, or since the start of a run.

        By default: since the last finished run of the spider that stored that state.
        """
        queries = self._queries(table)
        conditions = [at_time(queries.v, None)]
        conditions += keys.conditions(queries.entity.declaration, queries.v, where)
        conditions.append(
            _missed(queries)
            if since is None
            else queries.v.c.last_confirmed_at < self._start(since)
        )
        return self._states_where(queries, conditions, None)

    def diff(
        self, table: str, before: Moment, after: Moment, *, where: Where = None
    ) -> Answer[Difference]:
        """What is different between two times, or between the ends of two runs."""
        queries = self._queries(table)
        filters = keys.conditions(queries.entity.declaration, queries.v, where)
        old, new = self._end(before), self._end(after)

        def ask() -> Iterator[Difference]:
            first, last = min(old, new), max(old, new)
            with self._reading() as connection:
                for ids in chunks(queries.touched(connection, first, last, *filters)):
                    olds = _states_at(connection, queries, ids, old)
                    news = _states_at(connection, queries, ids, new)
                    yield from _differences(ids, olds, news)

        return Answer(ask)

    def movers(
        self,
        table: str,
        field: str,
        *,
        since: Moment,
        until: Moment | None = None,
        by: Literal["absolute", "relative"] = "relative",
        top: int | None = 20,
        where: Where = None,
    ) -> Answer[Mover]:
        """Where a numeric field came furthest, up or down, furthest first.

        `field` is a path: `price`, `markets.price_home` (of the child rows in `markets`),
        `prices.home` (inside a JSON field).  Compared is the value at `since`, or the first after
        it where there was none, with the value at `until`.  `top` bounds the memory.
        """
        queries = self._queries(table)
        path = number_path(queries.entity.declaration, field)
        filters = keys.conditions(queries.entity.declaration, queries.v, where)
        start = self._start(since)
        end = None if until is None else self._end(until)

        def ask() -> Iterator[Mover]:
            with self._reading() as connection:
                ids = queries.touched(connection, start, end or _LAST, *filters)
                found = numbers.lines(connection, queries, path, ids, (start, end))
                yield from numbers.movers(table, found, end, by, top)

        return Answer(ask)

    def statistics(
        self,
        table: str,
        field: str,
        *,
        days: float = 30,
        until: Moment | None = None,
        where: Where = None,
    ) -> Answer[FieldStatistics]:
        """Lowest, highest and mean of a numeric field, one for each entity or child row."""
        queries = self._queries(table)
        path = number_path(queries.entity.declaration, field)
        filters = keys.conditions(queries.entity.declaration, queries.v, where)
        end = dt.datetime.now(dt.timezone.utc) if until is None else self._end(until)
        start = end - dt.timedelta(days=days)

        def ask() -> Iterator[FieldStatistics]:
            with self._reading() as connection:
                within = overlapping(queries.v, start, end)
                ids = queries.entity_ids(connection, within, *filters)
                found = numbers.lines(connection, queries, path, ids, (start, end))
                yield from numbers.statistics(table, found, start, end)

        return Answer(ask)

    def steps(self, table: str, key: Key, field: str) -> Answer[Step]:
        """All values of one entity's numeric field, by child row and then oldest first."""
        queries = self._queries(table)
        path = number_path(queries.entity.declaration, field)
        entity = self._known_entity(queries, key)

        def ask() -> Iterator[Step]:
            with self._reading() as connection:
                yield from numbers.steps(
                    numbers.lines(connection, queries, path, [entity], (None, None))
                )

        return Answer(ask)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A transaction of its own, so that no long one is left open between questions."""
        with self._engine.connect() as connection, connection.begin():
            try:
                yield connection
            finally:
                close_streams(connection)

    def _learn(self) -> list[Queries]:
        try:
            with self._reading() as connection:
                rows = connection.execute(sa.select(SCHEMA)).all()
        except SQLAlchemyError as error:
            self.close()
            cause = type(getattr(error, "orig", None) or error).__name__
            raise HistoryError(
                f"the database could not be read, or has no snapshot tables ({cause}); run a crawl "
                "first, or correct the URL"
            ) from None
        newer = [row.table_name for row in rows if row.version > SCHEMA_VERSION]
        if newer:
            raise HistoryError(f"table {newer[0]} was made by a newer version; upgrade this one")
        metadata = sa.MetaData()
        texts = {row.table_name: row.columns for row in rows}
        return [Queries(entity_tables(d, metadata)) for d in catalog.declarations(texts)]

    def _queries(self, table: str) -> Queries:
        if table in self._tables:
            return self._tables[table]
        known = ", ".join(sorted(self._tables)) or "none"
        raise HistoryError(f"there is no table of entities {table}; there are {known}")

    def _start(self, moment: Moment) -> dt.datetime:
        return self._run_row(moment).started_at if isinstance(moment, uuid.UUID) else _aware(moment)

    def _end(self, moment: Moment) -> dt.datetime:
        """Of a run that has no end, the time when the next of its spider began."""
        if not isinstance(moment, uuid.UUID):
            return _aware(moment)
        run = self._run_row(moment)
        if run.finished_at is not None:
            return run.finished_at
        later = sa.select(sa.func.min(RUNS.c.started_at)).where(
            RUNS.c.spider == run.spider, RUNS.c.started_at > run.started_at
        )
        with self._reading() as connection:
            return connection.execute(later).scalar() or _LAST

    def _run_row(self, run_id: uuid.UUID) -> Run:
        with self._reading() as connection:
            row = connection.execute(sa.select(RUNS).where(RUNS.c.run_id == run_id)).first()
        if row is None:
            raise HistoryError(f"there is no run {run_id}; see runs()")
        return _run(row)

    def _known_entity(self, queries: Queries, key: Key) -> bytes:
        declaration = queries.entity.declaration
        wanted = keys.read_key(declaration, key)
        entity = keys.entity_id(declaration, wanted)
        found = sa.select(queries.v.c.entity_id).where(queries.v.c.entity_id == entity).limit(1)
        with self._reading() as connection:
            if connection.execute(found).first() is not None:
                return entity
            first = next(iter(wanted.values()))
            near = list(queries.neighbours(connection, first, _NEIGHBOURS))
        raise NoSuchEntityError(keys.no_such(declaration, wanted, near))

    def _states(self, table: str, at: dt.datetime | None, where: Where) -> Answer[State]:
        queries = self._queries(table)
        filters = keys.conditions(queries.entity.declaration, queries.v, where)
        return self._states_where(queries, [at_time(queries.v, at), *filters], at)

    def _states_where(
        self, queries: Queries, conditions: list[Condition], at: dt.datetime | None
    ) -> Answer[State]:
        def ask() -> Iterator[State]:
            with self._reading() as connection:
                versions = queries.versions(connection, *conditions)
                yield from states(connection, queries, versions, at)

        return Answer(ask)

    def _changes(
        self,
        queries: Queries,
        begun: list[Condition],
        ended: list[Condition],
        *,
        newest_first: bool,
    ) -> Answer[Change]:
        def ask() -> Iterator[Change]:
            with self._reading() as connection:
                begins = queries.steps(connection, *begun, newest_first=newest_first)
                ends = queries.ends(connection, *ended, newest_first=newest_first)
                steps = heapq.merge(begins, ends, key=_step_order, reverse=newest_first)
                yield from changes(connection, queries, steps)

        return Answer(ask)


def _aware(moment: dt.datetime) -> dt.datetime:
    if moment.utcoffset() is None:
        raise HistoryError("a time without a zone was given; attach one, for example timezone.utc")
    return moment.astimezone(dt.timezone.utc)


def _run(row: sa.Row[tuple[object, ...]]) -> Run:
    return Run(
        run_id=row.run_id,
        spider=row.spider,
        started_at=row.started_at,
        finished_at=row.finished_at,
        status=row.status,
        finish_reason=row.finish_reason,
        counters={name: getattr(row, name) for name in _COUNTERS},
    )


def _step_order(step: StepRow) -> tuple[dt.datetime, bytes]:
    time = step.version.valid_to if step.ended else None
    return time or step.version.valid_from, step.version.entity_id


def _missed(queries: Queries) -> Condition:
    """Not confirmed since the last finished run of the spider whose run stored the version."""
    last = (
        sa.select(RUNS.c.spider, sa.func.max(RUNS.c.started_at).label("started_at"))
        .where(RUNS.c.status == FINISHED)
        .group_by(RUNS.c.spider)
        .subquery()
    )
    since = (
        sa.select(last.c.started_at)
        .where(last.c.spider == RUNS.c.spider)
        .correlate(RUNS)
        .scalar_subquery()
    )
    return queries.v.c.last_confirmed_at < since


def _states_at(
    connection: Connection, queries: Queries, ids: list[bytes], at: dt.datetime
) -> dict[bytes, State]:
    there = queries.versions(connection, queries.v.c.entity_id.in_(ids), at_time(queries.v, at))
    return {state.entity_id.bytes: state for state in states(connection, queries, there, at)}


def _differences(
    ids: list[bytes], olds: dict[bytes, State], news: dict[bytes, State]
) -> Iterator[Difference]:
    for entity in ids:
        difference = _difference(olds.get(entity), news.get(entity))
        if difference is not None:
            yield difference


def _difference(old: State | None, new: State | None) -> Difference | None:
    state = new or old
    if state is None:
        return None
    fields = field_changes(old.values if old else {}, new.values if new else {}, state.key)
    children = child_changes(old, new)
    if old and new and not fields and not children:
        return None
    kind = ChildKind.CHANGED
    if old is None or new is None:
        kind = ChildKind.ADDED if old is None else ChildKind.REMOVED
    return Difference(
        state.table, state.entity_id, state.key, kind, fields, children, before=old, after=new
    )
