"""Section D: memory, pauses of the reactor, and the processor time an item by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.crawls import Sides, crawl, ours
from benchmarks.databases import Databases, open_store
from benchmarks.items import BATCH, RUN_ID, START, declaration, event, records
from benchmarks.measure import Row, interleaved, timed
from benchmarks.spider import Plan
from scrapy_snapshot_pipeline.capture import compile_capture
from scrapy_snapshot_pipeline.ordinary import plan_first
from scrapy_snapshot_pipeline.queue import SnapshotQueue
from scrapy_snapshot_pipeline.records import Batch, SnapshotRecord
from scrapy_snapshot_pipeline.scd2 import Plan as Changes

_MIB = 1 << 20
_CHILDREN = 5


@dataclass(frozen=True)
class Size:
    """How many items, from few to many; pauses are taken at the first of them."""

    items: Sequence[int]
    runs: int


def measure(databases: Databases, size: Size) -> Iterator[Row]:
    """All of section D."""
    yield from _memory(databases, size)
    yield from _pauses(databases, size)
    yield from _stages(databases, size.runs)


def _memory(databases: Databases, size: Size) -> Iterator[Row]:
    peaks = []
    for items in size.items:
        url = databases.postgresql()
        plan = Plan(items=items, per_page=100, children=_CHILDREN, settings=ours(url))
        peaks.append(crawl(plan).memory / _MIB)
        databases.drop(url)
    for items, peak in zip(size.items[1:], peaks[1:], strict=True):
        name = f"peak memory at {items:,} items minus at {size.items[0]:,}, MiB"
        goal = "<= 50" if items == max(size.items) else ""
        yield Row("D", name, peak - peaks[0], goal, f"{peak:.0f} MiB against {peaks[0]:.0f} MiB")


def _pauses(databases: Databases, size: Size) -> Iterator[Row]:
    for per_page in (10, 100):
        plan = Plan(items=size.items[0], per_page=per_page, children=_CHILDREN)
        yield _longest_pause(Sides(databases, plan), per_page, size.runs)


def _longest_pause(sides: Sides, per_page: int, runs: int) -> Row:
    pauses = interleaved(
        {
            "ours": lambda: sides.new("PostgreSQL").pause * 1e3,
            "none": lambda: sides.plain({}).pause * 1e3,
        },
        runs,
    )
    name = f"longest reactor pause, {per_page} items a page, ms"
    detail = f"without a pipeline {pauses['none']:.0f} ms"
    return Row("D", name, pauses["ours"], "<= 50", detail, runs)


def _stages(databases: Databases, runs: int) -> Iterator[Row]:
    items = [event(number, _CHILDREN) for number in range(BATCH)]
    capture = compile_capture(declaration())
    seen = records(iter(items), START)
    url = databases.postgresql()
    store = open_store(url)
    looks = iter(range(1, 1_000_000))

    def write(*, new: bool) -> Callable[[], float]:
        def seconds() -> float:
            first = next(looks) * BATCH if new else 0
            events = (event(first + number, _CHILDREN) for number in range(BATCH))
            batch = Batch(tuple(records(events, START)))
            return timed(lambda: store.write(batch))

        return seconds

    store.write(Batch(tuple(seen)))
    stages = interleaved(
        {
            "capture, with its hashes": lambda: timed(
                lambda: [capture(item, START, RUN_ID) for item in items]
            ),
            "queue": lambda: timed(lambda: _through_queue(seen)),
            "plan": lambda: timed(lambda: [plan_first(each, Changes()) for each in seen]),
            "write, all new": write(new=True),
            "write, all unchanged": write(new=False),
        },
        max(runs, 5),
    )
    store.close()
    for name, seconds in stages.items():
        detail = f"{seconds / BATCH * 1e6:.1f} microseconds an item with {_CHILDREN} children"
        yield Row("D", f"stage: {name}", None, "", detail, runs)


def _through_queue(seen: Sequence[SnapshotRecord]) -> None:
    queue = SnapshotQueue[SnapshotRecord](max_records=2 * BATCH, max_bytes=1 << 30)
    for record in seen:
        queue.put(record)
    queue.take(BATCH, 1 << 30)
