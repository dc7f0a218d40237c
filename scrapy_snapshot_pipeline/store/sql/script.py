"""The statements of a batch that need no answer: one by one, or together where the server is far.

Where it is near, COPY is the fastest way in, and waits twice for each table.  At 20 ms away that
is most of the time of a batch: there all of them travel as one text, new rows as JSON, and COMMIT
with them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection, CursorResult

from scrapy_snapshot_pipeline.store.connection.transactions import is_remote, send_with_commit


class Script:
    """What is to be written in a transaction of `connection`; call `finish` at the end."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.together = is_remote(connection)
        """Statements wait for each other."""
        self._statements: list[str] = []
        self._parameters: list[Any] = []

    def send(self, sql: str, parameters: tuple[Any, ...]) -> None:
        """Run a statement, now or with others, always in the order of the calls."""
        if not self.together:
            self.connection.exec_driver_sql(sql, parameters)
            return
        self._statements.append(sql)
        self._parameters += parameters

    def ask(self, sql: str, parameters: tuple[Any, ...]) -> CursorResult[Any]:
        """Run a statement now, after all that waits, and give back its answer."""
        self.flush()
        return self.connection.exec_driver_sql(sql, parameters)

    def flush(self) -> None:
        """Run what waits."""
        if self._statements:
            self.connection.exec_driver_sql(*self._take())

    def finish(self) -> None:
        """Leave what waits to the COMMIT.

        Values are put into the text here and now: an error of theirs is none of the COMMIT.
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
