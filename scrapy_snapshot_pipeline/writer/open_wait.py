"""What is said while a crawl waits for its database: for what, why, how long, and that it came."""

from __future__ import annotations

import logging
from collections.abc import Callable

from scrapy_snapshot_pipeline.delivery.ports import Environment
from scrapy_snapshot_pipeline.errors import ContentionError
from scrapy_snapshot_pipeline.reactor.timers import Cancellable

logger = logging.getLogger(__name__)

_SILENCE = 3.0
"""Seconds without an answer after which the wait is said, though no attempt has failed yet."""
_CONTENTION = 1.0
"""Seconds that others may be in the way before that is said: two crawls that begin together."""


class OpenWait:
    """One wait, said once.  Reactor thread only."""

    def __init__(
        self,
        environment: Environment,
        database: str,
        seconds: float,
        idle: Callable[[], float],
    ) -> None:
        """`seconds`: how long is waited at most; `idle`: since when the database is silent."""
        self._environment = environment
        self._database = database
        self._seconds = seconds
        self._idle = idle
        self._began = environment.now()
        self._said = False
        self._timer: Cancellable | None = environment.call_later(_SILENCE, self._look)

    def failed(self, error: Exception) -> None:
        """Say why, where another attempt follows one that failed."""
        contention = isinstance(error, ContentionError)
        if not contention or self._waited >= _CONTENTION:
            self._say(str(error))

    def end(self, *, came: bool) -> None:
        """Say that the database came, if its absence was said."""
        if self._timer is not None:
            self._timer.cancel()
        if came and self._said:
            logger.info("%s answers, after %.1f s", _sentence(self._database), self._waited)

    @property
    def _waited(self) -> float:
        return self._environment.now() - self._began

    def _look(self) -> None:
        self._timer = None
        if self._idle() >= _SILENCE:
            self._say(f"no answer for {_SILENCE:g} s")

    def _say(self, reason: str) -> None:
        if not self._said:
            self._said = True
            logger.warning(
                "Waiting for %s, for at most %g s (SNAPSHOT_OPEN_TIMEOUT): %s",
                self._database,
                self._seconds,
                reason,
            )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
