"""Runs `scrapy crawl` as a user does, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import scrapy

ROOT = Path(__file__).resolve().parent.parent.parent
SCRAPY = (scrapy.version_info[0], scrapy.version_info[1])
REFUSED = 1 if SCRAPY >= (2, 15) else 0
"""Exit code of a crawl whose pipeline raised at start; older versions of Scrapy give 0."""

MODES = {
    "asyncio": {"TWISTED_REACTOR": "twisted.internet.asyncioreactor.AsyncioSelectorReactor"},
    "select": {"TWISTED_REACTOR": "twisted.internet.selectreactor.SelectReactor"},
    "reactorless": {"TWISTED_REACTOR_ENABLED": "False"},
}
"""The loops that Scrapy can run on, each with the setting that chooses it."""

PATIENCE = 60.0
"""Seconds after which a crawl counts as hanging; a healthy one takes a small part of that."""


class Crawl:
    """A crawl in `folder`, which runs or has ended."""

    def __init__(
        self,
        folder: Path,
        spider: str,
        settings: Mapping[str, object],
        arguments: Mapping[str, object],
    ) -> None:
        """Start `spider` with these settings and spider arguments."""
        self.folder = folder
        options = [f"-s{name}={value}" for name, value in settings.items()]
        options += [f"-a{name}={value}" for name, value in arguments.items()]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "scrapy", "crawl", spider, *options],
                cwd=folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def _log(self) -> Path:
        return self.folder / "crawl.log"

    @property
    def log(self) -> str:
        """All that it has written so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def stats(self) -> dict[str, Any]:
        """Scrapy's stats at the end of the process."""
        stats: dict[str, Any] = json.loads((self.folder / "stats.json").read_text("utf-8"))
        return stats

    @property
    def acknowledged(self) -> list[str]:
        """The keys of the items that Scrapy has reported as scraped so far."""
        file = self.folder / "acknowledged.txt"
        return file.read_text("utf-8").splitlines() if file.exists() else []

    def finish(self, seconds: float = PATIENCE) -> int:
        """Wait for the end, and give the exit code; fails the test if it does not come."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no end after {seconds} s\n{self.log[-5000:]}") from None

    def wait_for(
        self, condition: Callable[[], object], what: str, seconds: float = PATIENCE
    ) -> None:
        """Wait until `condition` holds; fails the test if the crawl ends before that."""
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"no {what} in time\n{self.log[-5000:]}")
            time.sleep(0.01)

    def interrupt(self) -> None:
        """Press Ctrl-C once."""
        self.process.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """Send SIGTERM, as a service manager does."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def snapshots(
    folder: Path, settings: Mapping[str, object], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run `scrapy snapshots` in `folder`, with these arguments and settings."""
    options = [f"-s{name}={value}" for name, value in settings.items()]
    return subprocess.run(
        [sys.executable, "-m", "scrapy", "snapshots", *arguments, *options],
        check=False,
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def environment() -> dict[str, str]:
    """The environment of a process in which the test project is the current one."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "default",
        "SCRAPY_SETTINGS_MODULE": "tests.crawl.shop.settings",
    }
