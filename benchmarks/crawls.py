"""Starts crawls in processes of their own, with the settings of each side."""

from __future__ import annotations

import dataclasses
import multiprocessing
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.databases import Databases
from benchmarks.spider import Figures, Plan, crawl_alone

_PROCESSES = multiprocessing.get_context("forkserver")
"""Each crawl is a process of its own, forked from one that has imported what every crawl imports,
which takes longer than a crawl of `--quick`.  It imports nothing else, since the garbage collector
would visit that too."""
_PROCESSES.set_forkserver_preload(
    [
        "benchmarks.spider",
        "scrapy.core.downloader.handlers.http11",
        "scrapy.downloadermiddlewares.cookies",
        "scrapy.extensions.remote_control",
    ]
)


def crawl(plan: Plan) -> Figures:
    """Run one crawl; raises RuntimeError if it failed or lost an item."""
    with tempfile.TemporaryDirectory(prefix="snapshot-bench-") as folder:
        errors = Path(folder, "errors")
        here, there = _PROCESSES.Pipe(duplex=False)
        process = _PROCESSES.Process(target=crawl_alone, args=(plan, errors, there))
        process.start()
        there.close()
        try:
            figures: Figures | None = here.recv()
        except EOFError:
            figures = None
        process.join()
        log = errors.read_text()[-2000:]
    if process.exitcode or figures is None:
        raise RuntimeError(f"a crawl failed:\n{log}")
    if "ADDONS" in plan.settings and figures.stored != plan.items:
        raise RuntimeError(f"{figures.stored} of {plan.items} items stored:\n{log}")
    return figures


def ours(url: str, **more: object) -> dict[str, Any]:
    """Settings of a crawl with our pipeline; `more` are ours without prefix: `ack="enqueue"`."""
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
    """The sides of a comparison of crawls; each can be run again and again."""

    def __init__(self, databases: Databases, plan: Plan) -> None:
        self._databases = databases
        self._plan = plan

    def plain(self, settings: dict[str, Any]) -> Figures:
        """Crawl without a database."""
        return crawl(dataclasses.replace(self._plan, settings=settings))

    def new(self, kind: str, **more: object) -> Figures:
        """Crawl into a new database."""
        url = self._fresh(kind)
        try:
            return self.again(url, **more)
        finally:
            self._databases.drop(url)

    def filled(self, kind: str) -> str:
        """URL of a database that has all the items already."""
        url = self._fresh(kind)
        self.again(url)
        return url

    def again(self, url: str, **more: object) -> Figures:
        """Crawl into an existing database."""
        return crawl(dataclasses.replace(self._plan, settings=ours(url, **more)))

    def _fresh(self, kind: str) -> str:
        return self._databases.sqlite() if kind == "SQLite" else self._databases.postgresql()
