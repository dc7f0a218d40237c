"""A crawl of `LooksSpider`, as the fault tests see it."""

from __future__ import annotations

import collections
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.crawl.crawls import MODES, Crawl, snapshots

QUICK = {
    "SPIDER_MODULES": "tests.faults.shop.spiders",
    "SNAPSHOT_RETRY_BACKOFF": "0.1",
    "SNAPSHOT_RETRY_BACKOFF_MAX": "0.5",
    "SNAPSHOT_CONNECT_TIMEOUT": "2",
}
"""Settings that keep the tests short."""
NOTHING: Mapping[str, object] = {}


class Look(NamedTuple):
    """One observation: the entity and the number that is its content."""

    sku: str
    look: int


class Looking:
    """A running or ended crawl, and what its witness wrote down."""

    def __init__(
        self,
        folder: Path,
        url: str,
        settings: Mapping[str, object],
        arguments: Mapping[str, object],
    ) -> None:
        """Start it, with these settings and spider arguments."""
        folder.mkdir()
        self.url = url
        self.folder = folder
        self.dead_letters = folder / "dead-letters"
        ours = {
            "SNAPSHOT_DATABASE_URL": url,
            "SNAPSHOT_DEAD_LETTER_DIR": self.dead_letters,
            **MODES["asyncio"],
            **QUICK,
            **settings,
        }
        self.crawl = Crawl(folder, "looks", ours, arguments)

    @property
    def acknowledged(self) -> list[Look]:
        """Items that Scrapy reported as scraped, in that order."""
        return self._looks("acknowledged")

    @property
    def refused(self) -> list[Look]:
        """Items over which the pipeline raised."""
        return self._looks("refused")

    @property
    def longest_gap(self) -> float:
        """Seconds between two beats of the reactor."""
        file = self.folder / "gaps"
        return max(map(float, file.read_text().split()), default=0.0) if file.exists() else 0.0

    def replay(self, settings: Mapping[str, object] = NOTHING) -> str:
        """Run `scrapy snapshots replay` over its dead letters; gives what that printed."""
        ours = {
            "SPIDER_MODULES": QUICK["SPIDER_MODULES"],
            "SNAPSHOT_DATABASE_URL": self.url,
            "SNAPSHOT_DEAD_LETTER_DIR": self.dead_letters,
        }
        done = snapshots(self.folder, {**ours, **settings}, "replay")
        return done.stdout + done.stderr

    @property
    def ended_itself(self) -> bool:
        """It left its stats."""
        return (self.folder / "stats.json").exists()

    def run(self, items: int = 100) -> None:
        """Wait until so many more items have been acknowledged."""
        goal = len(self.acknowledged) + items
        self.wait_for(lambda: len(self.acknowledged) >= goal, f"{items} more items")

    def stalled(self, seconds: float = 0.3) -> bool:
        """Whether nothing is acknowledged for a while."""
        time.sleep(0.5)  # what was committed before is still on its way to us
        before = len(self.acknowledged)
        time.sleep(seconds)
        return len(self.acknowledged) == before

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait; fails the test if the crawl ends before."""
        self.crawl.wait_for(condition, what)

    def say_enough(self) -> None:
        """Have the spider come to its end, and do not wait for it."""
        (self.folder / "enough").touch()

    def enough(self, seconds: float = 60.0) -> int:
        """Have the spider come to its end by itself; gives the exit code."""
        self.say_enough()
        return self.crawl.finish(seconds)

    def stat(self, name: str) -> int:
        """A stat at the end."""
        value: int = self.crawl.stats.get(f"snapshots/{name}", 0)
        return value

    def spooled(self) -> list[dict[str, Any]]:
        """The dead letters' lines; a torn one is left out, as a replay does."""
        lines: list[dict[str, Any]] = []
        for file in sorted(self.dead_letters.glob("*.jsonl")):
            for line in file.read_bytes().splitlines():
                with contextlib.suppress(json.JSONDecodeError):
                    lines.append(json.loads(line))
        return lines

    @property
    def spooled_looks(self) -> list[Look]:
        """The observations among them."""
        return [Look(line["values"]["sku"], line["values"]["look"]) for line in self.spooled()]

    def _looks(self, name: str) -> list[Look]:
        file = self.folder / name
        if not file.exists():
            return []
        whole = file.read_text().rpartition("\n")[0].splitlines()
        return [Look(sku, int(look)) for sku, look in map(str.split, whole)]


def repeated(looks: list[Look]) -> dict[str, list[int]]:
    """The distinct numbers of each entity, in the order in which they came."""
    seen: collections.defaultdict[str, list[int]] = collections.defaultdict(list)
    for sku, look in looks:
        if look not in seen[sku]:
            seen[sku].append(look)
    return dict(seen)
