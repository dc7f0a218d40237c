"""Measures the sides of a comparison in turn, and takes the median of each."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the report; the ratio comes first, since only it holds on another machine."""

    section: str
    name: str
    ratio: float | None
    """None if the line has no ratio."""
    goal: str = ""
    """As `>= 0.9` or `<= 50`; empty if there is none."""
    detail: str = ""
    runs: int = 1

    @property
    def reached(self) -> bool | None:
        """None if there is no goal, or no ratio."""
        if not self.goal or self.ratio is None:
            return None
        sign, bound = self.goal.split()
        return self.ratio >= float(bound) if sign == ">=" else self.ratio <= float(bound)


def interleaved(sides: Mapping[str, Callable[[], float]], runs: int) -> dict[str, float]:
    """The median figure of each side.

    The order is reversed from run to run, so that no side always follows the slowest one.
    """
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for run in range(runs):
        names = list(sides) if run % 2 == 0 else list(sides)[::-1]
        for name in names:
            taken[name].append(sides[name]())
    return {name: statistics.median(figures) for name, figures in taken.items()}


def timed(work: Callable[[], object]) -> float:
    """The seconds that `work` takes.

    Meanwhile the garbage collector does not see the objects of the benchmark itself.
    """
    gc.collect()
    gc.freeze()
    try:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started
    finally:
        gc.unfreeze()
