"""What the interpreter is set to while a crawl runs, and set back to after it.

Three settings of the whole process, each for a cost that was measured (`benchmarks/README.md`):

* Scrapy and what it imports are 90,000 objects that never become garbage, and each full
  collection looks at all of them.  Items that wait for their commit provoke one every few hundred
  items: up to 150 ms at once.  They are exempted (`gc.freeze`).
* An item that waits holds some sixty objects, so each collection of the young ones finds most of
  them alive: up to 30 ms for nothing.  It runs when there are more than usually wait.
* The writer thread asks for the interpreter lock after each answer of the database, and a busy
  reactor keeps it for the switch interval.  That is shortened.

Together they make a crawl into PostgreSQL 1.3 to 1.5 times as fast.
"""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass

YOUNG_OBJECTS = 50_000
"""Allocations between two collections of the young objects; Python's own is 700 to 10,000."""
SWITCH_INTERVAL = 0.0005
"""Seconds; Python's own is 0.005."""


@dataclass(frozen=True, slots=True)
class _Before:
    thresholds: tuple[int, int, int]
    switch_interval: float


class _ProcessTuning:
    """The settings belong to the process, and so does this: crawls may share it."""

    def __init__(self) -> None:
        self._crawls = 0
        self._before = _Before(gc.get_threshold(), sys.getswitchinterval())

    def begin(self) -> None:
        """Set them for one more crawl."""
        self._crawls += 1
        if self._crawls > 1:
            return
        self._before = _Before(gc.get_threshold(), sys.getswitchinterval())
        young, *older = self._before.thresholds
        if young:  # 0: the user has switched the collector off
            gc.set_threshold(max(young, YOUNG_OBJECTS), *older)
        sys.setswitchinterval(min(self._before.switch_interval, SWITCH_INTERVAL))
        gc.freeze()  # with some garbage; to look for it first takes 0.1 s

    def end(self) -> None:
        """Set them back after the last crawl."""
        self._crawls -= 1
        if self._crawls:
            return
        gc.unfreeze()
        gc.set_threshold(*self._before.thresholds)
        sys.setswitchinterval(self._before.switch_interval)


PROCESS_TUNING = _ProcessTuning()
"""Reactor thread only."""
