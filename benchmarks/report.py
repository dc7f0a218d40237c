"""The table that is printed, and the file that is written."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Row

_WORDS = {True: "reached", False: "NOT reached", None: ""}


def line(row: Row) -> str:
    """One row of the table."""
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    goal = f"{row.goal:8}{_WORDS[row.reached]:12}"
    return f"{row.section} {ratio:>8}  {goal}{row.name}; {row.detail}".rstrip("; ")


def machine() -> dict[str, object]:
    """The machine on which the figures were taken."""
    return {
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
    }


def write(path: Path, rows: Sequence[Row], scale: str) -> None:
    """Write the figures as JSON."""
    figures = [{**dataclasses.asdict(row), "reached": row.reached} for row in rows]
    content = {"scale": scale, **machine(), "rows": figures}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
