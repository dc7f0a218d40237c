"""Runs a crawl as a user would, with `scrapy crawl`, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
_ALARMING = re.compile(r"\] (WARNING|ERROR|CRITICAL): |^[\w.]+(Error|Exception): ")


@dataclass(frozen=True)
class Crawl:
    """A crawl that has ended."""

    exit_code: int
    log: Path

    def complaints(self, most: int = 10) -> list[str]:
        """The log's warnings, errors and exceptions, the last `most` of them."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if _ALARMING.search(line)][-most:]


def crawl(spider: str, visit: str, database_url: str, log: Path) -> Crawl:
    """Run a crawl to its end; its output goes to the file `log`."""
    command = [sys.executable, "-m", "scrapy", "crawl", spider, "-a", f"visit={visit}"]
    # The environment, unlike -s, keeps the password out of the list of processes.
    environment = {**os.environ, "SNAPSHOT_DATABASE_URL": database_url}
    with log.open("w", encoding="utf-8") as output:
        exit_code = subprocess.call(
            command, cwd=PROJECT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    return Crawl(exit_code, log)
