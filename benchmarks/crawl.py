"""Section B: whole crawls with nothing, with a feed, and with our pipeline."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from benchmarks.crawls import Sides, crawl, json_lines, ours
from benchmarks.databases import Databases
from benchmarks.measure import Row, interleaved
from benchmarks.site import running_site
from benchmarks.spider import Figures, Plan

Crawl: TypeAlias = Callable[[], Figures]

_FEED = "JSON-lines feed"
_GOALS = {
    "PostgreSQL, all new": ">= 1.0",
    "PostgreSQL, all unchanged": ">= 2.0",
}


@dataclass(frozen=True)
class Size:
    """How much is crawled."""

    items: int
    children: Sequence[int]
    """Child rows of an item; the goals are for 5."""
    kinds: Sequence[str]
    """Kinds of databases; the goals are for PostgreSQL."""
    single_items: int
    """Items of a crawl with one item a page; 0: no such crawl."""
    pages: int
    """Pages of the HTTP site."""
    runs: int


def measure(databases: Databases, size: Size) -> Iterator[Row]:
    """All of section B."""
    for children in size.children:
        many = Plan(items=size.items, per_page=100, children=children)
        label = f"{children} children, 100 items a page"
        yield from _against_feed(databases, many, label, size, goals=children == 5)
    if size.single_items:
        plan = Plan(items=size.single_items, per_page=1, children=5)
        label = "5 children, 1 item a page"
        yield from _against_feed(databases, plan, label, size, goals=False)
    yield from _over_http(databases, size)


def _against_feed(
    databases: Databases, plan: Plan, label: str, size: Size, *, goals: bool
) -> Iterator[Row]:
    sides = Sides(databases, plan)
    with tempfile.TemporaryDirectory(prefix="snapshot-bench-") as folder:
        crawls: dict[str, Crawl] = {
            _FEED: lambda: sides.plain(json_lines(Path(folder))),
            "no pipeline": lambda: sides.plain({}),
        }
        for kind in size.kinds:
            crawls |= _ours(sides, kind, sides.filled(kind))
        rates = interleaved({name: _rate(run, plan) for name, run in crawls.items()}, size.runs)
    for name, rate in rates.items():
        if name != _FEED:
            goal = _GOALS.get(name, "") if goals else ""
            title = f"{label}: {name} / {_FEED}"
            detail = f"{rate:,.0f}/s against {rates[_FEED]:,.0f}/s"
            yield Row("B", title, rate / rates[_FEED], goal, detail, size.runs)
    for kind, seen in itertools.product(size.kinds, ("all new", "all unchanged")):
        side = f"{kind}, {seen}"
        goal = ">= 0.9" if goals and kind == "PostgreSQL" else ""
        ratio = rates[side] / rates[f"{side}, enqueue"]
        yield Row("B", f"{label}: {side}: ack commit / enqueue", ratio, goal, "", size.runs)


def _ours(sides: Sides, kind: str, known: str) -> dict[str, Crawl]:
    """Crawls into a new database, and into one that has all the items already."""
    return {
        f"{kind}, all new": lambda: sides.new(kind),
        f"{kind}, all new, enqueue": lambda: sides.new(kind, ack="enqueue"),
        f"{kind}, all unchanged": lambda: sides.again(known),
        f"{kind}, all unchanged, enqueue": lambda: sides.again(known, ack="enqueue"),
    }


def _rate(run: Crawl, plan: Plan) -> Callable[[], float]:
    return lambda: run().rate(plan.items)


def _over_http(databases: Databases, size: Size) -> Iterator[Row]:
    with running_site() as site:
        plan = Plan(items=size.pages * 5, per_page=5, children=5, site=site)

        def with_pipeline() -> float:
            url = databases.postgresql()
            seconds = crawl(replace(plan, settings=ours(url))).seconds
            databases.drop(url)
            return seconds

        seconds = interleaved(
            {"with": with_pipeline, "without": lambda: crawl(plan).seconds}, size.runs
        )
    ratio = seconds["with"] / seconds["without"]
    detail = f"{seconds['with']:.2f} s against {seconds['without']:.2f} s"
    name = f"HTTP, {size.pages} pages, 50 ms, 100 kB: wall time with / without"
    yield Row("B", name, ratio, "<= 1.03", detail, size.runs)
