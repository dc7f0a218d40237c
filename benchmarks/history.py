"""Section F: how long queries of a long history take, and what we cost other commands."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.databases import Databases
from benchmarks.long_history import DAYS, END, VERSIONS, LongHistory
from benchmarks.measure import Row, interleaved, timed
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.report import ReportOptions, build_page, render

_TABLE = "event"
_TOP = 200
_DAY = dt.timedelta(days=1)
_CYCLE = DAYS // VERSIONS * _DAY
"""The time in which every entity changed once."""
_MOST_LATER = 30
"""Milliseconds by which `scrapy list` may be slower with us installed than without."""
_STARTS = 7
"""Starts of each side in a run, since a single one is short."""
_WITHOUT = """
import importlib.metadata as metadata
real = metadata.entry_points
ours = {"group": "scrapy.commands"}
metadata.entry_points = lambda **which: () if which == ours else real(**which)
"""
_LIST = "from scrapy.cmdline import execute; execute(['scrapy', 'list'])"


@dataclass(frozen=True)
class Size:
    """The number of entities, each with `VERSIONS` versions."""

    entities: int
    runs: int


@dataclass(frozen=True)
class _Query:
    """A query, and the most units that it may take."""

    name: str
    goal: int
    run: Callable[[SnapshotHistory], object]
    unit: str = "ms"


def measure(databases: Databases, size: Size) -> Iterator[Row]:
    """All of section F."""
    yield _other_commands(size.runs)
    for name, url in (("SQLite", databases.sqlite()), ("PostgreSQL", databases.postgresql())):
        filled = LongHistory(url, size.entities)
        seconds = timed(filled.fill)
        versions = f"{size.entities * VERSIONS:,} versions of {size.entities:,} entities"
        yield Row("F", f"{name}: {versions}", None, "", f"stored in {seconds:.0f} s")
        with SnapshotHistory(url) as history:
            for query in _queries(filled):
                yield _row(name, history, query, size.runs)
        databases.drop(url)


def _other_commands(runs: int) -> Row:
    """`scrapy list` in a project that does not use us."""
    with tempfile.TemporaryDirectory(prefix="snapshot-bench-") as folder:
        _write_project(Path(folder))
        sides = {
            name: partial(_started, folder, script + _LIST)
            for name, script in (("with", ""), ("without", _WITHOUT))
        }
        taken = interleaved(sides, runs * _STARTS)
    later = (taken["with"] - taken["without"]) * 1e3
    detail = f"{taken['with'] * 1e3:.0f} and {taken['without'] * 1e3:.0f} ms"
    goal = f"<= {_MOST_LATER}"
    return Row(
        "F", "scrapy list, with us and without: ms more", later, goal, detail, runs * _STARTS
    )


def _write_project(folder: Path) -> None:
    (folder / "scrapy.cfg").write_text("[settings]\ndefault = plain\n", encoding="utf-8")
    spider = (
        "import scrapy\nSPIDER_MODULES = ['plain']\nclass Plain(scrapy.Spider): name = 'plain'\n"
    )
    (folder / "plain.py").write_text(spider, encoding="utf-8")


def _started(folder: str, script: str) -> float:
    command = [sys.executable, "-c", script]
    done = partial(subprocess.run, command, cwd=folder, check=True, capture_output=True)
    return timed(done)


def _row(name: str, history: SnapshotHistory, query: _Query, runs: int) -> Row:
    taken = interleaved({"": lambda: timed(lambda: query.run(history))}, runs)
    figure = taken[""] * (1 if query.unit == "s" else 1e3)
    goal = f"<= {query.goal}"
    return Row("F", f"{name}: {query.name}, {query.unit}", figure, goal, "", runs)


def _queries(filled: LongHistory) -> Iterator[_Query]:
    numbers = count(1, 7)
    yield _Query(
        "one entity's history",
        50,
        lambda h: list(h.versions(_TABLE, filled.key(next(numbers) % filled.entities))),
    )
    yield _Query(
        "changes of the last day",
        1_000,
        lambda h: deque(h.changes(_TABLE, since=END - _DAY), maxlen=0),
    )
    yield _Query("the newest change of all", 50, lambda h: next(iter(h.changes(_TABLE))))
    for span, ago in (("last day", _DAY), ("time in which all changed", _CYCLE)):
        yield _Query(f"report of the {span}, top {_TOP}", 10, partial(_report, ago=ago), "s")


def _report(history: SnapshotHistory, ago: dt.timedelta) -> str:
    return render(build_page(history, ReportOptions(since=END - ago, top=_TOP), END))
