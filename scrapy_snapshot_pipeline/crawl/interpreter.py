"""Tunes the interpreter while a crawl runs, and restores it afterwards.

Three settings of the whole process, each for a cost that was measured (`benchmarks/README.md`):

* Scrapy and what it imports are very many objects that never become garbage, and each full
  collection visits all of them.  Items that wait for their commit provoke such collections, each a
  long pause of the reactor.  So these objects are exempted (`gc.freeze`).
* An item that waits holds dozens of objects, so a collection of the young objects finds most of
  them alive, and its time is wasted.  So it only runs when there are more than usually wait.
* The writer thread needs the interpreter lock after each answer of the database, and a busy reactor
  keeps the lock for the switch interval.  So the interval is shortened.
"""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass

YOUNG_OBJECTS = 50_000
"""Allocations between two collections of the young objects; many times Python's own number."""
SWITCH_INTERVAL = 0.0005
"""Seconds; a tenth of Python's own."""


@dataclass(frozen=True, slots=True)
class _Before:
    thresholds: tuple[int, int, int]
    switch_interval: float


class _ProcessTuning:
    """One for the whole process, as the settings are; crawls that run side by side share it."""

    def __init__(self) -> None:
        self._crawls = 0
        self._before = _Before(gc.get_threshold(), sys.getswitchinterval())

    def begin(self) -> None:
        """Tune the interpreter, unless another crawl has done so already."""
        self._crawls += 1
        if self._crawls > 1:
            return
        self._before = _Before(gc.get_threshold(), sys.getswitchinterval())
        young, *older = self._before.thresholds
        if young:  # 0 means that the user has switched the collector off
            gc.set_threshold(max(young, YOUNG_OBJECTS), *older)
        sys.setswitchinterval(min(self._before.switch_interval, SWITCH_INTERVAL))
        gc.freeze()  # this freezes some garbage too; collecting it first would take too long

    def end(self) -> None:
        """Restore the settings after the last crawl."""
        self._crawls -= 1
        if self._crawls:
            return
        gc.unfreeze()
        gc.set_threshold(*self._before.thresholds)
        sys.setswitchinterval(self._before.switch_interval)


PROCESS_TUNING = _ProcessTuning()
"""Reactor thread only."""
