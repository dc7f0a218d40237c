"""Read transactions: each is one consistent view, and its errors become HistoryError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.connection.engine import read_engine
from scrapy_snapshot_pipeline.history.connection.streams import close_streams


class Reader:
    """The connections of one history."""

    def __init__(self, url: str) -> None:
        self._engine = read_engine(url)

    def close(self) -> None:
        """Release all connections."""
        self._engine.dispose()

    @contextmanager
    def reading(
        self, problem: str = "the database gave no answer", cure: str = "ask again"
    ) -> Iterator[Connection]:
        """One transaction, so that none stays open between two questions.

        Raises HistoryError for every error of the database, whose own text may hold values.
        """
        try:
            with self._engine.connect() as connection, connection.begin():
                try:
                    yield connection
                finally:
                    close_streams(connection)
        except SQLAlchemyError as error:
            cause = type(getattr(error, "orig", None) or error).__name__
            raise HistoryError(f"{problem} ({cause}); {cure}") from None
