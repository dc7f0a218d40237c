"""A crawl of `LooksSpider`, and what its extension `Witness` wrote down."""

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
    """A crawl that runs or has ended."""

    def __init__(
        self,
        folder: Path,
        url: str,
        settings: Mapping[str, object],
        arguments: Mapping[str, object],
    ) -> None:
        """Start the crawl with these settings and spider arguments."""
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
        """The items that Scrapy reported as scraped, in that order."""
        return self._looks("acknowledged")

    @property
    def refused(self) -> list[Look]:
        """The items for which the pipeline raised."""
        return self._looks("refused")

    @property
    def longest_gap(self) -> float:
        """The most seconds between two beats of the reactor."""
        file = self.folder / "gaps"
        return max(map(float, file.read_text().split()), default=0.0) if file.exists() else 0.0

    def replay(self, settings: Mapping[str, object] = NOTHING) -> str:
        """Run `scrapy snapshots replay` on its dead letters, and give what that printed."""
        ours = {
            "SPIDER_MODULES": QUICK["SPIDER_MODULES"],
            "SNAPSHOT_DATABASE_URL": self.url,
            "SNAPSHOT_DEAD_LETTER_DIR": self.dead_letters,
        }
        done = snapshots(self.folder, {**ours, **settings}, "replay")
        return done.stdout + done.stderr

    @property
    def ended_itself(self) -> bool:
        """Whether the crawl ended in order, so that it left its stats."""
        return (self.folder / "stats.json").exists()

    def run(self, items: int = 100) -> None:
        """Wait until `items` more items have been acknowledged."""
        goal = len(self.acknowledged) + items
        self.wait_for(lambda: len(self.acknowledged) >= goal, f"{items} more items")

    def stalled(self, seconds: float = 0.3) -> bool:
        """Whether no item is acknowledged for some seconds."""
        time.sleep(0.5)  # items that were committed before may still be on their way to us
        before = len(self.acknowledged)
        time.sleep(seconds)
        return len(self.acknowledged) == before

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until `condition` holds; fails the test if the crawl ends before."""
        self.crawl.wait_for(condition, what)

    def say_enough(self) -> None:
        """Have the spider come to its end; returns at once."""
        (self.folder / "enough").touch()

    def enough(self, seconds: float = 60.0) -> int:
        """Have the spider come to its end, and give the exit code."""
        self.say_enough()
        return self.crawl.finish(seconds)

    def stat(self, name: str) -> int:
        """A stat at the end of the crawl."""
        value: int = self.crawl.stats.get(f"snapshots/{name}", 0)
        return value

    def spooled(self) -> list[dict[str, Any]]:
        """The lines of the dead letters, without a torn one, which a replay skips too."""
        lines: list[dict[str, Any]] = []
        for file in sorted(self.dead_letters.glob("*.jsonl")):
            for line in file.read_bytes().splitlines():
                with contextlib.suppress(json.JSONDecodeError):
                    lines.append(json.loads(line))
        return lines

    @property
    def spooled_looks(self) -> list[Look]:
        """The observations in the dead letters."""
        return [Look(line["values"]["sku"], line["values"]["look"]) for line in self.spooled()]

    def _looks(self, name: str) -> list[Look]:
        file = self.folder / name
        if not file.exists():
            return []
        whole = file.read_text().rpartition("\n")[0].splitlines()
        return [Look(sku, int(look)) for sku, look in map(str.split, whole)]


def repeated(looks: list[Look]) -> dict[str, list[int]]:
    """The distinct numbers of each entity, in the order of their first observation."""
    seen: collections.defaultdict[str, list[int]] = collections.defaultdict(list)
    for sku, look in looks:
        if look not in seen[sku]:
            seen[sku].append(look)
    return dict(seen)
