"""When the database last answered: what tells a long series of statements from a frozen server."""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Engine


class Progress:
    """Notes the time of each answer.  A COPY, and what travels with a COMMIT, are not noted."""

    def __init__(self, engine: Engine, now: Callable[[], float] = time.monotonic) -> None:
        """Follow the connections of `engine`; `now` gives seconds of any clock."""
        self._now = now
        self._answered = now()
        sa.event.listen(engine, "connect", self._note)
        sa.event.listen(engine, "after_cursor_execute", self._note)

    @property
    def idle(self) -> float:
        """Seconds since the last answer; any thread."""
        return self._now() - self._answered

    def _note(self, *_: object) -> None:
        self._answered = self._now()
