"""Command lines to paste after the tour, from where the user stands."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

import sqlalchemy as sa

from tour.crawls import PROJECT

QUESTIONS = (
    "tables",
    "history --key match=liverpool-arsenal --key bookmaker=Bet365",
    "movers markets.price_home --since 1h --top 3",
)


def to_paste(url: str) -> list[str]:
    """A line that goes to the project's folder, and one for each question.

    `url`: as the user gave it; empty for the new file, which the project's settings find.
    """
    started_in = Path(os.environ.get("TOUR_STARTED_IN", Path.cwd()))
    go = [] if started_in == PROJECT else [f"cd {shlex.quote(_from(started_in, PROJECT))}"]
    options = f" {_option(url)}" if url else ""
    return [*go, *(f"{_scrapy()} snapshots {question}{options}" for question in QUESTIONS)]


def _scrapy() -> str:
    """The `scrapy` of this environment, which need not be the one on the path."""
    python = Path(sys.executable)
    found = shutil.which("scrapy")
    if found is not None and Path(found).parent == python.parent:
        return "scrapy"
    return f"{shlex.quote(_from(PROJECT, python))} -m scrapy"


def _from(folder: Path, path: Path) -> str:
    """Relative where it is near, so that the line stays short."""
    relative = os.path.relpath(path, folder)
    return relative if relative.count("..") <= 1 else str(path)


def _option(url: str) -> str:
    """A password is shown as three stars, to be replaced."""
    shown = sa.make_url(url).render_as_string(hide_password=True)
    return f"-s {shlex.quote(f'SNAPSHOT_DATABASE_URL={shown}')}"
