"""Decides when the crawl must wait for the database, by counting the items that wait.

Pure: pausing itself is handed in.
"""

from __future__ import annotations

from collections.abc import Callable

_QUICK_SHARE = 3
"""While writes are quick the limit is divided by this; the benchmark shows why (section D)."""


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
        """Pause above `pause_at` waiting items (0: never), and resume at half of that limit.

        Unless `writes_are_slow`, a third of `pause_at` is the limit.  A quick write is soon over,
        and items that are made meanwhile only take the interpreter from it.

        `pause` gives whether it paused: False means that someone else had paused the crawl.
        `resume` may take some turns of the loop, `unpause` acts at once; both leave a pause of
        someone else alone.
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
        """Count an item that no longer waits, whatever the reason."""
        self._waiting -= 1
        if self._paused and self._waiting <= self._resume_at:
            self._paused = False
            self._resume()

    def release(self) -> None:
        """Undo a pause of ours, and never pause again.

        Call it on every way out: Scrapy never closes a spider whose engine is paused.
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
