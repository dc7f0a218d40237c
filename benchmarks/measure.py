"""Times of several sides of one comparison, taken in turn, and what their medians come to."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the report; the ratio comes first, since only it survives another machine."""

    section: str
    name: str
    ratio: float | None
    """None where the line is a plain figure."""
    goal: str = ""
    """As `>= 0.9` or `<= 50`; empty where there is none."""
    detail: str = ""
    runs: int = 1

    @property
    def reached(self) -> bool | None:
        """None where there is no goal, or nothing was measured."""
        if not self.goal or self.ratio is None:
            return None
        sign, bound = self.goal.split()
        return self.ratio >= float(bound) if sign == ">=" else self.ratio <= float(bound)


def interleaved(sides: Mapping[str, Callable[[], float]], runs: int) -> dict[str, float]:
    """The median of each side; a side gives its own figure.

    The order turns round from run to run, so that no side is always the one after the slowest.
    """
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for run in range(runs):
        names = list(sides) if run % 2 == 0 else list(sides)[::-1]
        for name in names:
            taken[name].append(sides[name]())
    return {name: statistics.median(figures) for name, figures in taken.items()}


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes.

    What the benchmark itself holds ready is hidden from the garbage collector meanwhile.
    """
    gc.collect()
    gc.freeze()
    try:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started
    finally:
        gc.unfreeze()
