"""dlt's scd2 merge, in an environment of its own: `dlt_script.py` runs there."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from benchmarks.databases import Databases, open_store
from benchmarks.items import START, Event, event, records
from benchmarks.measure import Row, timed
from benchmarks.writer import Size
from scrapy_snapshot_pipeline.records import Batch, SnapshotRecord

_CHILDREN = 5
_ENVIRONMENT = Path(tempfile.gettempdir()) / f"snapshot-bench-dlt-{sys.version_info.minor}"
_SCRIPT = Path(__file__).with_name("dlt_script.py")


def measure(databases: Databases, size: Size) -> Iterator[Row]:
    """All entities in one load of dlt's, which suits it, and in batches of 500 for us."""
    python = _environment()
    sides: dict[str, tuple[list[float], list[float]]] = {
        kind: ([], []) for kind in ("new", "unchanged")
    }
    for _ in range(size.runs):
        theirs = _dlt(python, databases.postgresql(), size.entities)
        mine = _ours(databases.postgresql(), size.entities)
        for kind, (ours, dlts) in sides.items():
            ours.append(mine[kind])
            dlts.append(theirs[kind])
    for kind, goal in (("new", ">= 3"), ("unchanged", ">= 8")):
        mine_s, dlt_s = (statistics.median(side) for side in sides[kind])
        detail = f"{size.entities / mine_s:,.0f}/s against {size.entities / dlt_s:,.0f}/s"
        name = f"PostgreSQL, {_CHILDREN} children: ours, {kind} / dlt scd2"
        yield Row("A", name, dlt_s / mine_s, goal, detail, size.runs)


def _environment() -> Path:
    python = _ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(_ENVIRONMENT, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "dlt[postgres]"]
        subprocess.run(pip, check=True)
    return python


def _dlt(python: Path, url: str, entities: int) -> dict[str, float]:
    """Seconds of the first load and of the same load again."""
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string()
    with tempfile.TemporaryDirectory(prefix="snapshot-bench-") as folder:
        done = subprocess.run(
            [str(python), str(_SCRIPT), plain, str(entities), str(_CHILDREN)],
            env={"PATH": "/usr/bin:/bin", "HOME": folder},
            check=True,
            capture_output=True,
            text=True,
        )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _ours(url: str, entities: int) -> dict[str, float]:
    """The same, and what it would be unfair to leave out: the capture."""
    store = open_store(url)
    seconds = {}
    for look, kind in enumerate(("new", "unchanged")):
        events = [event(number, _CHILDREN) for number in range(entities)]

        def load(look: int = look, events: list[Event] = events) -> None:
            seen = records(iter(events), START.replace(day=1 + look))
            for first in range(0, len(seen), 500):
                batch: tuple[SnapshotRecord, ...] = tuple(seen[first : first + 500])
                store.write(Batch(batch))

        seconds[kind] = timed(load)
    store.close()
    return seconds
