"""Starts crawls in processes of their own, and the settings of the sides."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.databases import Databases
from benchmarks.spider import Figures, Plan

_ROOT = Path(__file__).resolve().parent.parent


def crawl(plan: Plan) -> Figures:
    """Run one crawl; RuntimeError if it failed or lost an item."""
    with tempfile.TemporaryDirectory(prefix="snapshot-bench-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.spider", json.dumps(dataclasses.asdict(plan))],
            cwd=_ROOT,
            env={"PATH": "/usr/bin:/bin", "HOME": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode or not done.stdout:
        raise RuntimeError(f"a crawl failed:\n{done.stderr[-2000:]}")
    figures = Figures(**json.loads(done.stdout.splitlines()[-1]))
    if "ADDONS" in plan.settings and figures.stored != plan.items:
        raise RuntimeError(f"{figures.stored} of {plan.items} items stored:\n{done.stderr[-2000:]}")
    return figures


def ours(url: str, **more: object) -> dict[str, Any]:
    """Settings of a crawl with our pipeline; `more` without the prefix, as `ack="enqueue"`."""
    given = {f"SNAPSHOT_{name.upper()}": value for name, value in more.items()}
    return {
        "ADDONS": {"scrapy_snapshot_pipeline.Addon": 500},
        "SNAPSHOT_DATABASE_URL": url,
        **given,
    }


def json_lines(folder: Path) -> dict[str, Any]:
    """Settings of a crawl into Scrapy's JSON-lines feed."""
    feed = (folder / "feed.jsonl").as_uri()
    return {"FEEDS": {feed: {"format": "jsonlines", "overwrite": True}}}


class Sides:
    """The sides of a comparison of crawls, each ready to run again and again."""

    def __init__(self, databases: Databases, plan: Plan) -> None:
        self._databases = databases
        self._plan = plan

    def plain(self, settings: dict[str, Any]) -> Figures:
        """Crawl without a database."""
        return crawl(dataclasses.replace(self._plan, settings=settings))

    def new(self, kind: str, **more: object) -> Figures:
        """Crawl into a database that knows nothing yet."""
        url = self._fresh(kind)
        try:
            return self.again(url, **more)
        finally:
            self._databases.drop(url)

    def filled(self, kind: str) -> str:
        """URL of a database that knows all the items."""
        url = self._fresh(kind)
        self.again(url)
        return url

    def again(self, url: str, **more: object) -> Figures:
        """Crawl into this database."""
        return crawl(dataclasses.replace(self._plan, settings=ours(url, **more)))

    def _fresh(self, kind: str) -> str:
        return self._databases.sqlite() if kind == "SQLite" else self._databases.postgresql()
