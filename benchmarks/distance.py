"""Section E: crawls whose database is far away.

All crawls go through a proxy, the near ones too, so that only the distance differs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from benchmarks.crawls import crawl, ours
from benchmarks.databases import Databases
from benchmarks.measure import Row, interleaved
from benchmarks.proxy import running_proxy
from benchmarks.spider import Plan


@dataclass(frozen=True)
class Size:
    """How much is crawled."""

    items: int
    distances: Sequence[int]
    """Milliseconds of a round trip; 0 is always measured."""
    runs: int


def measure(databases: Databases, size: Size) -> Iterator[Row]:
    """All of section E."""
    plan = Plan(items=size.items, per_page=100, children=5)
    with contextlib.ExitStack() as stack:
        ports = {
            far: stack.enter_context(running_proxy(databases.port, far))
            for far in (0, *size.distances)
        }
        for name, run in (("all new", _new), ("all unchanged", _unchanged)):
            rates = interleaved(run(databases, plan, ports), size.runs)
            for far in size.distances:
                rate, near = rates[str(far)], rates["0"]
                goal = ">= 0.6" if far == 20 else ""
                detail = f"{rate:,.0f}/s against {near:,.0f}/s"
                title = f"crawl, {name}: database {far} ms away / 0 ms"
                yield Row("E", title, rate / near, goal, detail, size.runs)


def _new(databases: Databases, plan: Plan, ports: dict[int, int]) -> dict[str, Callable[[], float]]:
    def side(port: int) -> Callable[[], float]:
        def rate() -> float:
            url = databases.postgresql()
            figures = crawl(replace(plan, settings=ours(_through(url, port))))
            databases.drop(url)
            return figures.rate(plan.items)

        return rate

    return {str(far): side(port) for far, port in ports.items()}


def _unchanged(
    databases: Databases, plan: Plan, ports: dict[int, int]
) -> dict[str, Callable[[], float]]:
    url = databases.postgresql()
    crawl(replace(plan, settings=ours(url)))

    def side(port: int) -> Callable[[], float]:
        settings = ours(_through(url, port))
        return lambda: crawl(replace(plan, settings=settings)).rate(plan.items)

    return {str(far): side(port) for far, port in ports.items()}


def _through(url: str, port: int) -> str:
    return sa.make_url(url).set(port=port).render_as_string(hide_password=False)
