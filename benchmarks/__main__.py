"""The command: runs the sections, prints a line for each figure, and writes all as JSON."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import (
    bounds,
    crawl,
    distance,
    dlt_rival,
    growth,
    history,
    many_writers,
    report,
    writer,
)
from benchmarks.databases import Databases, running_databases
from benchmarks.measure import Row


@dataclass(frozen=True)
class Scale:
    """The sizes of all sections."""

    writer: writer.Size
    crawl: crawl.Size
    growth: growth.Size
    bounds: bounds.Size
    distance: distance.Size
    history: history.Size
    many_writers: many_writers.Size


QUICK = Scale(
    writer=writer.Size(entities=500, children=(5,), runs=5),
    crawl=crawl.Size(
        items=3_000, children=(5,), kinds=("PostgreSQL",), single_items=0, pages=50, runs=5
    ),
    growth=growth.Size(versions=(10_000, 100_000), runs=5),
    bounds=bounds.Size(items=(2_000, 10_000), runs=5),
    distance=distance.Size(items=3_000, distances=(20,), runs=5),
    history=history.Size(entities=3_000, runs=1),
    many_writers=many_writers.Size(
        entities=2_000, children=0, rounds=8, writers=(1, 2, 8), batch=250, runs=1
    ),
)
"""Three minutes: mostly figures that have a goal, of which only large differences mean anything."""

FULL = Scale(
    writer=writer.Size(entities=10_000, children=(0, 5, 50), runs=5),
    crawl=crawl.Size(
        items=40_000,
        children=(5, 0),
        kinds=("SQLite", "PostgreSQL"),
        single_items=5_000,
        pages=1_000,
        runs=5,
    ),
    growth=growth.Size(versions=(10_000, 100_000, 1_000_000, 10_000_000), runs=9),
    bounds=bounds.Size(items=(10_000, 100_000, 1_000_000), runs=5),
    distance=distance.Size(items=20_000, distances=(1, 20, 100), runs=5),
    history=history.Size(entities=100_000, runs=3),
    many_writers=many_writers.Size(
        entities=5_000, children=0, rounds=8, writers=(1, 2, 4, 8), batch=250, runs=3
    ),
)
"""An hour, and 10 GB of disk."""


def main() -> None:
    """Run the sections that the command line asks for."""
    options = _options()
    scale = FULL if options.full else QUICK
    rows = []
    started = time.monotonic()
    with running_databases() as databases:
        for name, section in _sections(scale, with_dlt=options.dlt).items():
            if name not in options.sections:
                continue
            began = time.monotonic()
            for row in section(databases):
                rows.append(row)
                print(report.line(row), flush=True)
            print(f"section {name}: {time.monotonic() - began:.0f} s", flush=True)
    report.write(options.json, rows, "full" if options.full else "quick")
    print(f"{time.monotonic() - started:.0f} s; written to {options.json}")


def _sections(scale: Scale, *, with_dlt: bool) -> dict[str, Callable[[Databases], Iterator[Row]]]:
    def section_a(databases: Databases) -> Iterator[Row]:
        yield from writer.measure(databases, scale.writer)
        if with_dlt:
            yield from dlt_rival.measure(databases, scale.writer)

    return {
        "A": section_a,
        "B": lambda databases: crawl.measure(databases, scale.crawl),
        "C": lambda databases: growth.measure(databases, scale.growth),
        "D": lambda databases: bounds.measure(databases, scale.bounds),
        "E": lambda databases: distance.measure(databases, scale.distance),
        "F": lambda databases: history.measure(databases, scale.history),
        "G": lambda databases: many_writers.measure(databases, scale.many_writers),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--quick", action="store_true", help="three minutes")
    size.add_argument("--full", action="store_true", help="all sizes, an hour")
    parser.add_argument(
        "--sections", default="ABCDEFG", help="which sections, as AC (default: all)"
    )
    parser.add_argument(
        "--dlt", action="store_true", help="compare with dlt too, which pip installs"
    )
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
