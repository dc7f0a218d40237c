"""The statements of a batch whose answers nobody needs: one by one, or as one text.

Where the server is near, COPY is the fastest way in, though it waits twice for each table.  Where
the server is far, those waits would be most of the time of a batch.  There all statements travel as
one text, with the new rows as JSON and with COMMIT at the end.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection, CursorResult

from scrapy_snapshot_pipeline.store.connection.transactions import is_remote, send_with_commit


class Script:
    """Writes in a transaction of `connection`; call `finish` before it commits."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.collects = is_remote(connection)
        """Statements wait, to be sent together."""
        self._statements: list[str] = []
        self._parameters: list[Any] = []

    def send(self, sql: str, parameters: tuple[Any, ...]) -> None:
        """Run a statement now, or later with others; the order of the calls is kept."""
        if not self.collects:
            self.connection.exec_driver_sql(sql, parameters)
            return
        self._statements.append(sql)
        self._parameters += parameters

    def query(self, sql: str, parameters: tuple[Any, ...]) -> CursorResult[Any]:
        """Run what waits, then this statement, and return its answer."""
        self.flush()
        return self.connection.exec_driver_sql(sql, parameters)

    def flush(self) -> None:
        """Run what waits."""
        if self._statements:
            self.connection.exec_driver_sql(*self._take())

    def finish(self) -> None:
        """Have what waits sent with the COMMIT.

        The values are put into the text here, so that a bad value is not taken for a failed COMMIT.
        """
        if not self._statements:
            return
        # mogrify is psycopg2's own, beyond the DBAPI that SQLAlchemy types.
        cursor: Any = self.connection.connection.cursor()
        send_with_commit(self.connection, cursor.mogrify(*self._take()))
        cursor.close()

    def _take(self) -> tuple[str, tuple[Any, ...]]:
        script, parameters = "; ".join(self._statements), tuple(self._parameters)
        self._statements, self._parameters = [], []
        return script, parameters
