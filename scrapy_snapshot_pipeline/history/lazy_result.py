"""A lazy answer: the database is asked only when it is read."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Generic, TypeVar

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.flat_rows import HasRows, flat_rows
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
    ) -> None:
        self._ask = ask
        self._count = count

    def __iter__(self) -> Iterator[ResultT_co]:
        return self._ask()

    def count(self, most: int | None = None) -> int:
        """The number of results, counted up to `most`; the database counts where it can."""
        if self._count is not None:
            return self._count(most)
        return sum(1 for _ in islice(self._ask(), most))

    def rows(self) -> Iterator[FlatRow]:
        """All results as flat rows, streamed; of a class without types they are read twice."""
        yield from flat_rows(self)

    def to_pandas(self) -> Any:
        """All flat rows in one `pandas.DataFrame`.  Raises HistoryError without pandas."""
        try:
            pandas = importlib.import_module("pandas")
        except ImportError:
            raise HistoryError(
                'to_pandas() needs pandas; pip install "scrapy-snapshot-pipeline[pandas]"'
            ) from None
        return pandas.DataFrame(list(self.rows()))
