"""SnapshotHistory: the questions that the history answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Literal, TypeVar

from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import keys
from scrapy_snapshot_pipeline.history.assemble import changes, states
from scrapy_snapshot_pipeline.history.conditions import NEVER, Condition, at_time, bounds, lasting
from scrapy_snapshot_pipeline.history.connection.transactions import Reader
from scrapy_snapshot_pipeline.history.differences import differences
from scrapy_snapshot_pipeline.history.feed import beginnings, feed
from scrapy_snapshot_pipeline.history.flat import column_types
from scrapy_snapshot_pipeline.history.flat.column_types import UNKNOWN, Columns
from scrapy_snapshot_pipeline.history.flat.rows import HasRows
from scrapy_snapshot_pipeline.history.keys import Key, Where, known_entity
from scrapy_snapshot_pipeline.history.lazy_result import Answer
from scrapy_snapshot_pipeline.history.numeric.mover_statements import Window
from scrapy_snapshot_pipeline.history.numeric.questions import NumberQuestion
from scrapy_snapshot_pipeline.history.numeric.results import FieldStatistics, Mover, Step
from scrapy_snapshot_pipeline.history.queries import Queries
from scrapy_snapshot_pipeline.history.results import (
    Change,
    Difference,
    Run,
    State,
    TableInfo,
)
from scrapy_snapshot_pipeline.history.runs import Moment, Moments, all_runs
from scrapy_snapshot_pipeline.history.stored_tables import learn, table_info

ResultT = TypeVar("ResultT", bound=HasRows)
By = Literal["absolute", "relative"]


class SnapshotHistory:
    """Reads what the pipeline stored; nothing is ever written.

    Use it as a context manager.  Methods raise HistoryError for a table, field, key or time that
    makes no sense, and NoSuchEntityError (a HistoryError) for an unknown key.  When the database
    fails, methods and the reading of an answer raise HistoryError.  An end that is not given is
    now.  Entities come in the order of their ids unless stated otherwise.

    `key` holds the values of the key fields: by name, in their order, or a single value.  Numbers,
    dates and so on may be given as text ("12", "2024-05-01").  `where` selects the entities with
    these values in key fields; a list, tuple or set means any of its members.  A `Moment` is an
    aware time or the id of a run.  The path of a numeric field is `price`, `markets.price_home` (of
    the child rows in `markets`) or `prices.home` (inside a JSON field); where no value there is a
    number, reading the answer raises NoSuchFieldError (a HistoryError).  `as_number` also takes the
    number in a text, as in "£9.99".
    """

    def __init__(self, url: str) -> None:
        """`url`: as `SNAPSHOT_DATABASE_URL`.  Raises HistoryError if there is no history."""
        self._reader = Reader(url)
        try:
            self._tables = learn(self._reader)
        except HistoryError:
            self.close()
            raise
        self._moments = Moments(self._reader)

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
        self._reader.close()

    def tables(self) -> tuple[TableInfo, ...]:
        """All tables of entities, by name."""
        return tuple(self.table(name) for name in sorted(self._tables))

    def table(self, name: str) -> TableInfo:
        """The table with this name."""
        return table_info(self._queries(name))

    def runs(self, *, spider: str | None = None, table: str | None = None) -> Answer[Run]:
        """All runs, latest first; with `table`, the crawls that stored or confirmed some of it.

        A crawl of release 0.1.0, or one that has not ended, counts for every table.
        """
        return self._answer(
            lambda connection: all_runs(connection, spider, table), columns=column_types.RUN_COLUMNS
        )

    def columns(self, table: str, path: str | None = None) -> Columns:
        """The columns of a table's states as flat rows, or of the rows of a list in them."""
        declaration = self._queries(table).entity.declaration
        return column_types.state_columns(declaration, path)

    def start_of(self, moment: Moment) -> dt.datetime:
        """When a run started, in UTC; a time stands for itself."""
        return self._moments.start(moment)

    def current(self, table: str, *, where: Where = None) -> Answer[State]:
        """The current state of every entity."""
        return self._states(table, None, where)

    def as_of(self, table: str, at: Moment, *, where: Where = None) -> Answer[State]:
        """The state of every entity at a time, or at the end of a run."""
        return self._states(table, self._moments.end(at), where)

    def versions(self, table: str, key: Key) -> Answer[Change]:
        """One entity's whole history, oldest first, including LATE versions."""
        queries = self._queries(table)
        wanted = queries.v.c.entity_id == known_entity(self._reader, queries, key)
        return self._changes(queries, [wanted, queries.begins], [wanted], newest_first=False)

    def changes(
        self,
        table: str,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        where: Where = None,
        newest_first: bool = True,
        extended: bool = False,
    ) -> Answer[Change]:
        """What changed at or after `since` (of a run: its start) and before `until` (its end).

        `extended`: instead what differed only in fields that were new to the class.
        """
        queries, filters = self._filtered(table, where)
        v = queries.v
        start = None if since is None else self._moments.start(since)
        end = None if until is None else self._moments.end(until)
        wanted = queries.extended if extended else queries.told
        begun = [lasting(v), wanted, *filters, *bounds(v.c.valid_from, start, end)]
        ended = [*filters, *bounds(v.c.valid_to, start, end), *([NEVER] if extended else [])]
        return self._changes(queries, begun, ended, newest_first=newest_first)

    def new(self, table: str, *, since: Moment, where: Where = None) -> Answer[Change]:
        """The entities that were seen for the first time since then, latest first."""
        queries, filters = self._filtered(table, where)
        start = self._moments.start(since)
        begun = [*bounds(queries.v.c.valid_from, start, None), *filters, queries.first]

        def read(connection: Connection) -> Iterator[Change]:
            steps = beginnings(connection, queries, begun, newest_first=True)
            return changes(connection, queries, steps)

        columns = column_types.change_columns(queries.entity.declaration)
        return self._answer(read, lambda c, most: queries.count(c, *begun, most=most), columns)

    def not_seen(
        self, table: str, *, since: Moment | None = None, where: Where = None
    ) -> Answer[State]:
        """Current states that were not confirmed since a time, or since the start of a run.

        By default: since the last finished run of the spider that stored that state.
        """
        queries, filters = self._filtered(table, where)
        start = None if since is None else self._moments.start(since)

        def conditions(connection: Connection) -> list[Condition]:
            last = queries.v.c.last_confirmed_at
            missed = queries.missed(connection) if start is None else last < start
            return [at_time(queries.v, None), *filters, missed]

        return self._states_where(queries, conditions, None)

    def diff(
        self, table: str, before: Moment, after: Moment, *, where: Where = None
    ) -> Answer[Difference]:
        """How entities differ between two times, or between the ends of two runs."""
        queries, filters = self._filtered(table, where)
        old, new = self._moments.end(before), self._moments.end(after)
        columns = column_types.difference_columns(queries.entity.declaration)
        return self._answer(
            lambda connection: differences(connection, queries, old, new, filters), columns=columns
        )

    def movers(
        self,
        table: str,
        field: str,
        *,
        since: Moment,
        until: Moment | None = None,
        by: By = "relative",
        top: int | None = 20,
        where: Where = None,
        as_number: bool = False,
    ) -> Answer[Mover]:
        """Where a numeric field moved furthest, up or down, furthest first.

        The value at `since`, or the first one after it, is compared with the value at `until`.
        `top` limits the memory that is needed.
        """
        question = self._numbers(table, [field], as_number=as_number)
        window = self._window(table, since, until, where)
        return self._numeric(
            question,
            column_types.mover_columns,
            lambda c: iter(question.movers(c, window, by, top)[0]),
        )

    def movers_by_field(
        self,
        table: str,
        fields: Sequence[str],
        *,
        since: Moment,
        until: Moment | None = None,
        by: By = "relative",
        top: int | None = 20,
        where: Where = None,
        as_number: bool = False,
    ) -> dict[str, list[Mover]]:
        """`movers` of each of these fields; each of their tables is read only once."""
        question = self._numbers(table, fields, as_number=as_number)
        window = self._window(table, since, until, where)
        with self._reader.reading() as connection:
            found = question.movers(connection, window, by, top)
        return dict(zip(fields, found, strict=True))

    def statistics(
        self,
        table: str,
        field: str,
        *,
        days: float = 30,
        until: Moment | None = None,
        where: Where = None,
        as_number: bool = False,
    ) -> Answer[FieldStatistics]:
        """Lowest, highest and mean of a numeric field, for each entity or child row."""
        question = self._numbers(table, [field], as_number=as_number)
        filters = self._filtered(table, where)[1]
        end = dt.datetime.now(dt.timezone.utc) if until is None else self._moments.end(until)
        start = end - dt.timedelta(days=days)
        return self._numeric(
            question,
            column_types.statistics_columns,
            lambda c: question.statistics(c, start, end, filters),
        )

    def steps(self, table: str, key: Key, field: str, *, as_number: bool = False) -> Answer[Step]:
        """All values of one entity's numeric field, by child row and then oldest first."""
        question = self._numbers(table, [field], as_number=as_number)
        entity = known_entity(self._reader, self._queries(table), key)
        return self._numeric(
            question, column_types.step_columns, lambda c: question.steps(c, entity)[0]
        )

    def steps_by_field(
        self, table: str, key: Key, fields: Sequence[str], *, as_number: bool = False
    ) -> dict[str, list[Step]]:
        """`steps` of each of these fields; each of their tables is read only once."""
        question = self._numbers(table, fields, as_number=as_number)
        entity = known_entity(self._reader, self._queries(table), key)
        with self._reader.reading() as connection:
            steps = map(list, question.steps(connection, entity))
            return dict(zip(fields, steps, strict=True))

    def _answer(
        self,
        read: Callable[[Connection], Iterator[ResultT]],
        count: Callable[[Connection, int | None], int] | None = None,
        columns: Columns = UNKNOWN,
    ) -> Answer[ResultT]:
        counted = None if count is None else partial(self._counted, count)
        return Answer(partial(self._streamed, read), counted, columns=columns)

    def _streamed(self, read: Callable[[Connection], Iterator[ResultT]]) -> Iterator[ResultT]:
        with self._reader.reading() as connection:
            yield from read(connection)

    def _counted(self, count: Callable[[Connection, int | None], int], most: int | None) -> int:
        with self._reader.reading() as connection:
            return count(connection, most)

    def _queries(self, table: str) -> Queries:
        if table in self._tables:
            return self._tables[table]
        known = ", ".join(sorted(self._tables)) or "none"
        raise HistoryError(f"there is no table of entities {table}; there are {known}")

    def _filtered(self, table: str, where: Where) -> tuple[Queries, list[Condition]]:
        queries = self._queries(table)
        return queries, keys.conditions(queries.entity.declaration, queries.v, where)

    def _numbers(self, table: str, fields: Sequence[str], *, as_number: bool) -> NumberQuestion:
        return NumberQuestion(self._queries(table), fields, as_number=as_number)

    def _numeric(
        self,
        question: NumberQuestion,
        columns: Callable[[Declaration], Columns],
        read: Callable[[Connection], Iterator[ResultT]],
    ) -> Answer[ResultT]:
        ask = partial(self._streamed, lambda c: question.checked(c, read(c)))
        return Answer(ask, remarks=question.remarks, columns=columns(question.declaration))

    def _window(self, table: str, since: Moment, until: Moment | None, where: Where) -> Window:
        end = None if until is None else self._moments.end(until)
        return Window(self._moments.start(since), end, self._filtered(table, where)[1])

    def _states(self, table: str, at: dt.datetime | None, where: Where) -> Answer[State]:
        queries, filters = self._filtered(table, where)
        return self._states_where(queries, lambda _: [at_time(queries.v, at), *filters], at)

    def _states_where(
        self,
        queries: Queries,
        conditions: Callable[[Connection], list[Condition]],
        at: dt.datetime | None,
    ) -> Answer[State]:
        return self._answer(
            lambda c: states(c, queries, queries.versions(c, *conditions(c)), at),
            lambda c, most: queries.count(c, *conditions(c), most=most),
            column_types.state_columns(queries.entity.declaration),
        )

    def _changes(
        self,
        queries: Queries,
        begun: list[Condition],
        ended: list[Condition],
        *,
        newest_first: bool,
    ) -> Answer[Change]:
        def read(connection: Connection) -> Iterator[Change]:
            steps = feed(connection, queries, begun, ended, newest_first=newest_first)
            return changes(connection, queries, steps)

        def count(connection: Connection, most: int | None) -> int:
            begins = queries.count(connection, *begun, most=most)
            left = None if most is None else most - begins
            return begins + queries.count(connection, queries.ended, *ended, most=left)

        return self._answer(read, count, column_types.change_columns(queries.entity.declaration))
