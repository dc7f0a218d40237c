"""dlt's scd2 merge, which `dlt_script` runs in an environment of its own.

dlt pays a fixed time for each load, so it gets all entities in one load, while we commit each of
our batches.  The tables exist, and one entity has been stored, before the time is taken.  Both
sides begin with Python objects: dlt's time includes its normalization, ours the capture.  A second
line gives our writer alone, as the rest of the section does; dlt's time cannot be divided like
that.  dlt loads in two formats.  `csv` goes through COPY and is its fastest format, faster than
`parquet` through ADBC.  `insert_values` is its default, which users get who choose nothing.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from benchmarks.databases import Databases, open_store
from benchmarks.items import BATCH, START, Event, event, records
from benchmarks.measure import Row, timed
from benchmarks.writer import Size
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore

_ENTITIES = 10_000
"""So many that the fixed time of a load no longer shows."""
_CHILDREN = 5
_FORMATS = ("csv", "insert_values")
_OURS = ("capture and writer", "writer")
_GOALS = {
    ("capture and writer", "insert_values", "new"): ">= 3",
    ("capture and writer", "insert_values", "unchanged"): ">= 8",
}
_ROOT = Path(__file__).parents[1]
_ENVIRONMENT = Path(tempfile.gettempdir()) / f"snapshot-bench-dlt-{sys.version_info.minor}"

Seconds: TypeAlias = dict[str, dict[str, float]]
"""By side, then by load: "new" or "unchanged"."""


def measure(databases: Databases, size: Size) -> Iterator[Row]:
    """Run both sides in turn, each time in a new database."""
    python = _environment()
    sides: list[Callable[[str], Seconds]] = [_ours_alone, lambda url: _dlt(python, url)]
    runs = []
    for run in range(size.runs):
        seconds: Seconds = {}
        for side in sides if run % 2 == 0 else sides[::-1]:
            url = databases.postgresql()
            seconds |= side(url)
            databases.drop(url)
        runs.append(seconds)
    yield from _report(runs)


def _report(runs: list[Seconds]) -> Iterator[Row]:
    for side, file_format, kind in itertools.product(_OURS, _FORMATS, ("new", "unchanged")):
        ours = statistics.median(run[side][kind] for run in runs)
        theirs = statistics.median(run[file_format][kind] for run in runs)
        name = f"PostgreSQL, {_CHILDREN} children: {side}, {kind} / dlt scd2, {file_format}"
        detail = f"{_ENTITIES / ours:,.0f}/s against {_ENTITIES / theirs:,.0f}/s"
        goal = _GOALS.get((side, file_format, kind), "")
        yield Row("A", name, theirs / ours, goal, detail, len(runs))


def _environment() -> Path:
    """The interpreter of an environment with dlt and this project, which is created once."""
    python = _ENVIRONMENT / "bin" / "python"
    ready = _ENVIRONMENT / "ready"
    if not ready.exists():
        venv.create(_ENVIRONMENT, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "dlt[postgres]", "-e", str(_ROOT)]
        subprocess.run(pip, check=True)
        ready.touch()
    return python


def _dlt(python: Path, url: str) -> Seconds:
    """Run the dlt side; raises CalledProcessError, with the reason on standard error."""
    # dlt demands a password, although the server needs none.
    parsed = sa.make_url(url).set(drivername="postgresql", password="any")  # noqa: S106
    arguments = [parsed.render_as_string(hide_password=False)]
    arguments += ["--entities", str(_ENTITIES), "--children", str(_CHILDREN)]
    with tempfile.TemporaryDirectory(prefix="snapshot-bench-") as folder:
        done = subprocess.run(
            [str(python), "-m", "benchmarks.dlt_script", *arguments, "--formats", *_FORMATS],
            cwd=_ROOT,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": folder,  # where dlt keeps its files
                "RUNTIME__DLTHUB_TELEMETRY": "false",
                "RUNTIME__LOG_LEVEL": "CRITICAL",
            },
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    for name in _FORMATS:
        _check(url, f"dlt_{name}.event", f"dlt_{name}.event__markets")
    seconds: Seconds = json.loads(done.stdout.splitlines()[-1])
    return seconds


def _ours_alone(url: str) -> Seconds:
    """Run our side in a new process, as dlt's."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(_ours, (url,))


def _ours(url: str) -> Seconds:
    events = [event(number, _CHILDREN) for number in range(_ENTITIES + 1)]
    store = open_store(url)
    _load(store, events[-1:], day=1)
    loads = {
        "new": _timed(store, events[:-1], day=1),
        "unchanged": _timed(store, events[:-1], day=2),
    }
    store.close()
    _check(url, "event", "event_markets")
    return {side: {kind: load[side] for kind, load in loads.items()} for side in _OURS}


def _timed(store: SnapshotStore, events: list[Event], *, day: int) -> dict[str, float]:
    """Seconds of a whole load, and of its writes alone."""
    writing: list[float] = []
    whole = timed(lambda: writing.extend(_load(store, events, day=day)))
    return dict(zip(_OURS, (whole, sum(writing)), strict=True))


def _load(store: SnapshotStore, events: list[Event], *, day: int) -> list[float]:
    """Store all events; gives the seconds that each batch took after its capture."""
    writing = []
    for first in range(0, len(events), BATCH):
        seen = records(iter(events[first : first + BATCH]), START.replace(day=day))
        started = time.perf_counter()
        store.write(Batch(tuple(seen)))
        writing.append(time.perf_counter() - started)
    return writing


def _check(url: str, versions: str, children: str) -> None:
    """Raise RuntimeError unless one version of each entity is stored, with its children."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        for table, expected in ((versions, 1), (children, _CHILDREN)):
            rows = connection.scalar(sa.text(f"SELECT count(*) FROM {table}"))
            if rows != expected * (_ENTITIES + 1):
                raise RuntimeError(f"{table} has {rows} rows, not {expected * (_ENTITIES + 1)}")
