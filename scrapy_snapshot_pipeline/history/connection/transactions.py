"""Read transactions: each is one consistent view, and its errors become HistoryError."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.connection.engine import read_engine
from scrapy_snapshot_pipeline.history.connection.problems import problem_of
from scrapy_snapshot_pipeline.history.connection.streams import close_streams
from scrapy_snapshot_pipeline.store.connect_errors import secrets_of
from scrapy_snapshot_pipeline.store.connection.address import address
from scrapy_snapshot_pipeline.store.connection.url import parse_url
from scrapy_snapshot_pipeline.store.error_classes import Database, Phase
from scrapy_snapshot_pipeline.store.error_names import SchemaNames


class Reader:
    """The connections of one history."""

    def __init__(self, url: str) -> None:
        self._engine = read_engine(url)
        parsed = parse_url(url)
        self.names = SchemaNames()
        """The tables and columns that an error may name."""
        self._database = Database(
            address=address(parsed, os.environ),
            secrets=secrets_of(parsed, os.environ),
            names=self.names,
        )

    def close(self) -> None:
        """Release all connections."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction, so that none stays open between two questions.

        Raises HistoryError for every error of the database, whose own text may hold values.
        """
        phase = Phase.CONNECT
        try:
            with self._engine.connect() as connection, connection.begin():
                phase = Phase.STATEMENT
                try:
                    yield connection
                finally:
                    close_streams(connection)
        except SQLAlchemyError as error:
            raise HistoryError(problem_of(error, phase, self._database)) from None
