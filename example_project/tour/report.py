"""Writes the report as a user would, with `scrapy snapshots report`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tour.crawls import PROJECT


def write_report(database_url: str, path: Path) -> bool:
    """Write the report; False if it failed, with the reason on standard error."""
    command = [sys.executable, "-m", "scrapy", "snapshots", "report", "-o", str(path)]
    # The environment, unlike -s, keeps the password out of the list of processes.
    environment = {**os.environ, "SNAPSHOT_DATABASE_URL": database_url}
    done = subprocess.call(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL)
    return done == 0
