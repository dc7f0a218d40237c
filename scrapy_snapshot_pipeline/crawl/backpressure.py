"""When the crawl must wait for the database: counts the waiting items, pure counting."""

from __future__ import annotations

from collections.abc import Callable

_QUICK_SHARE = 3
"""Where half as many may wait, an unchanged item takes 120 microseconds, where a third may, 105."""


class CrawlPause:
    """Pauses the crawl while too many items wait in `process_item`.

    A full queue alone bounds nothing: Scrapy goes on downloading while items wait for room.
    Reactor thread only.
    """

    def __init__(
        self,
        *,
        pause: Callable[[], bool],
        resume: Callable[[], None],
        unpause: Callable[[], None],
        writes_are_slow: Callable[[], bool],
        pause_at: int,
    ) -> None:
        """Pause above `pause_at` waiting items (0: never), and resume at half of that.

        A third as many are enough unless `writes_are_slow`: a quick write is soon over, and what is
        made meanwhile only takes the interpreter from it.

        `pause` tells whether it did: False means that someone else had paused the crawl.
        `resume` may take its time, `unpause` does not; both leave someone else's pause alone.
        """
        self._pause = pause
        self._resume = resume
        self._unpause = unpause
        self._writes_are_slow = writes_are_slow
        self._pause_at = pause_at
        self._quick_limit = max(pause_at // _QUICK_SHARE, 1)
        self._waiting = 0
        self._resume_at = 0
        self._paused = False
        self._released = False

    def __repr__(self) -> str:
        state = "released" if self._released else "paused" if self._paused else "running"
        return f"<CrawlPause {state}, {self._waiting} waiting, pause at {self._pause_at}>"

    @property
    def waiting(self) -> int:
        """Items in `process_item` now."""
        return self._waiting

    def entered(self) -> None:
        """Count an item that begins to wait."""
        self._waiting += 1
        if self._waiting > self._quick_limit and self._may_pause():
            self._pause_above(self._pause_at if self._writes_are_slow() else self._quick_limit)

    def left(self) -> None:
        """Count an item that waits no more, for whatever reason."""
        self._waiting -= 1
        if self._paused and self._waiting <= self._resume_at:
            self._paused = False
            self._resume()

    def release(self) -> None:
        """Unpause if it was we who paused, and never pause again: for every way out.

        Scrapy never closes a spider whose engine is paused.
        """
        self._released = True
        self._paused = False
        self._unpause()

    def _may_pause(self) -> bool:
        return bool(self._pause_at) and not (self._paused or self._released)

    def _pause_above(self, limit: int) -> None:
        if self._waiting > limit:
            self._resume_at = limit // 2
            self._paused = self._pause()
