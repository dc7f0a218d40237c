"""A lazy answer: the database is asked only when it is read."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.flat.column_types import UNKNOWN, Columns
from scrapy_snapshot_pipeline.history.flat.frames import data_frame
from scrapy_snapshot_pipeline.history.flat.rows import HasRows, flat_rows
from scrapy_snapshot_pipeline.history.results import FlatRow

ResultT_co = TypeVar("ResultT_co", bound=HasRows, covariant=True)


class Answer(Generic[ResultT_co]):
    """Iterate over it to get the results; each iteration asks the database again.

    Results are streamed: memory does not grow with their number.  An iteration holds a read
    transaction until it ends or its iterator is closed.  Iterations may overlap within one thread;
    an answer is not thread-safe.
    """

    def __init__(
        self,
        ask: Callable[[], Iterator[ResultT_co]],
        count: Callable[[int | None], int] | None = None,
        remarks: Callable[[], Sequence[str]] = tuple,
        columns: Columns = UNKNOWN,
    ) -> None:
        self._ask = ask
        self._count = count
        self._remarks = remarks
        self._columns = columns

    def __iter__(self) -> Iterator[ResultT_co]:
        return self._ask()

    def count(self, most: int | None = None) -> int:
        """The number of results, counted up to `most`; the database counts where it can."""
        if self._count is not None:
            return self._count(most)
        return sum(1 for _ in islice(self._ask(), most))

    def remarks(self) -> Sequence[str]:
        """What the last iteration met and its results do not show, as values that are no numbers.

        The texts may quote scraped ones, made safe for a terminal.
        """
        return self._remarks()

    def rows(self) -> Iterator[FlatRow]:
        """All results as flat rows, streamed; of a class without types they are read twice."""
        yield from flat_rows(self)

    def to_pandas(self) -> Any:
        """All flat rows in one `pandas.DataFrame`.  Raises HistoryError without pandas.

        The types of its columns follow the declaration, whatever the values of today.
        """
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise HistoryError(
                'to_pandas() needs pandas; pip install "scrapy-snapshot-pipeline[pandas]"'
            ) from None
        return data_frame(pandas, self.rows(), self._columns)
