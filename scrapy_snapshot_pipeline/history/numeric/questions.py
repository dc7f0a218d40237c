"""One question about the numbers of a table, and what its answer has to say beside the results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TypeVar

from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.history.conditions import Condition, overlapping
from scrapy_snapshot_pipeline.history.numeric.lines import (
    Numbers,
    lines_of,
    statistics_of,
    steps_of,
)
from scrapy_snapshot_pipeline.history.numeric.mover_statements import Window
from scrapy_snapshot_pipeline.history.numeric.movers import furthest
from scrapy_snapshot_pipeline.history.numeric.paths import number_path
from scrapy_snapshot_pipeline.history.numeric.readings import NumberReader, check, remark
from scrapy_snapshot_pipeline.history.numeric.results import FieldStatistics, Mover, Step
from scrapy_snapshot_pipeline.history.queries import Queries

T = TypeVar("T")


class NumberQuestion:
    """About these fields.  It is asked again at each iteration over its answer."""

    def __init__(self, queries: Queries, fields: Sequence[str], *, as_number: bool) -> None:
        """`as_number`: see `NumberPath`.  Raises HistoryError for a path that makes no sense."""
        self.declaration = declaration = queries.entity.declaration
        self._queries = queries
        self._fields = fields
        self._paths = [number_path(declaration, field, as_number=as_number) for field in fields]
        self._readers = self._new_readers()

    def movers(
        self, connection: Connection, window: Window, by: str, top: int | None
    ) -> list[list[Mover]]:
        """The movers of each field."""
        return furthest(connection, self._queries, self._new_readers(), window, by, top)

    def steps(self, connection: Connection, entity: bytes) -> list[Iterator[Step]]:
        """All values of one entity, of each field."""
        numbers = Numbers(connection, self._queries, [entity], (None, None))
        return [steps_of(numbers.lines(reader)) for reader in self._new_readers()]

    def statistics(
        self,
        connection: Connection,
        start: dt.datetime,
        end: dt.datetime,
        filters: Sequence[Condition],
    ) -> Iterator[FieldStatistics]:
        """Those of the first field, for each entity or child row."""
        queries, [reader, *_] = self._queries, self._new_readers()
        ids = queries.entity_ids(connection, overlapping(queries.v, start, end), *filters)
        lines = lines_of(connection, queries, reader, ids, (start, end))
        yield from statistics_of(queries.entity.declaration.table, lines, start, end)

    def checked(self, connection: Connection, results: Iterator[T]) -> Iterator[T]:
        """The results; raises NoSuchFieldError after them if the table has no number there."""
        yield from results
        for reader, field in zip(self._readers, self._fields, strict=True):
            if not (reader.path.declared or reader.found):
                check(connection, self._queries, reader.path, field)

    def remarks(self) -> list[str]:
        """What the last iteration met and did not show."""
        each = zip(self._readers, self._fields, strict=True)
        return [text for reader, field in each if (text := remark(reader, field)) is not None]

    def _new_readers(self) -> list[NumberReader]:
        self._readers = [NumberReader(path) for path in self._paths]
        return self._readers
