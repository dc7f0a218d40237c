"""Writes the report as a user would, by `scrapy snapshots report`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tour.crawls import PROJECT


def write_report(database_url: str, path: Path) -> bool:
    """Whether it was written; what went wrong is on standard error."""
    command = [sys.executable, "-m", "scrapy", "snapshots", "report", "-o", str(path)]
    # By the environment and not by -s, so that no password is in the list of processes.
    environment = {**os.environ, "SNAPSHOT_DATABASE_URL": database_url}
    done = subprocess.call(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL)
    return done == 0
