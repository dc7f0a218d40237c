"""Section D: memory, pauses of the reactor, and processor time an item, by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks import statements
from benchmarks.crawls import Sides, crawl, ours
from benchmarks.databases import Databases, open_store
from benchmarks.items import BATCH, RUN_ID, START, declaration, event, records
from benchmarks.measure import Row, interleaved, timed
from benchmarks.spider import Figures, Plan
from scrapy_snapshot_pipeline.capture import canonical
from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.delivery.queue import SnapshotQueue
from scrapy_snapshot_pipeline.records import Batch, SnapshotRecord
from scrapy_snapshot_pipeline.scd2.fast_path import plan_first
from scrapy_snapshot_pipeline.scd2.plan import Plan as Changes

_MIB = 1 << 20
_CHILDREN = 5


@dataclass(frozen=True)
class Size:
    """Numbers of items, from few to many; pauses are measured with the first of them."""

    items: Sequence[int]
    runs: int


def measure(databases: Databases, size: Size) -> Iterator[Row]:
    """All of section D."""
    yield from _memory(databases, size)
    yield from _pauses(databases, size)
    yield from _stages(databases, size.runs)
    yield from statements.measure(databases, size.runs)


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
    """Long pauses of the reactor, and the processor time of a crawl."""
    for per_page in (10, 100):
        plan = Plan(items=size.items[0], per_page=per_page, children=_CHILDREN)
        figures = _figures(Sides(databases, plan), size.runs)
        yield from _pause_rows(figures, per_page)
        yield from _processor_rows(figures, plan)


def _figures(sides: Sides, runs: int) -> dict[str, list[Figures]]:
    """The figures of crawls of each kind, run in turn."""
    url = sides.filled("PostgreSQL")
    crawls: dict[str, Callable[[], Figures]] = {
        "without a pipeline": lambda: sides.plain({}),
        "all new": lambda: sides.new("PostgreSQL"),
        "all unchanged": lambda: sides.again(url),
    }
    figures: dict[str, list[Figures]] = {name: [] for name in crawls}
    for _ in range(runs):
        for name, run in crawls.items():
            figures[name].append(run())
    return figures


def _pause_rows(figures: Mapping[str, Sequence[Figures]], per_page: int) -> Iterator[Row]:
    pauses = {name: median(each.pause * 1e3 for each in runs) for name, runs in figures.items()}
    alone = pauses.pop("without a pipeline")
    for name, pause in pauses.items():
        title = f"longest reactor pause, {per_page} items a page, {name}, ms"
        detail = f"without a pipeline {alone:.0f} ms"
        yield Row("D", title, pause, "<= 50", detail, len(figures[name]))


def _processor_rows(figures: Mapping[str, Sequence[Figures]], plan: Plan) -> Iterator[Row]:
    for name, runs in figures.items():
        reactor = median(each.reactor_cpu for each in runs) / plan.items * 1e6
        writer = median(each.other_cpu for each in runs) / plan.items * 1e6
        title = f"processor, {plan.per_page} items a page, {name}"
        detail = f"{reactor:.0f} microseconds an item on the reactor thread, {writer:.0f} elsewhere"
        yield Row("D", title, None, "", detail, len(runs))


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
            "hashes alone": lambda: timed(lambda: _hashes(seen)),
            "queue": lambda: timed(lambda: _through_queue(seen)),
            "plan": lambda: timed(lambda: [plan_first(each, Changes()) for each in seen]),
            "write, all new": write(new=True),
            "write, all unchanged": write(new=False),
        },
        runs,
    )
    store.close()
    for name, seconds in stages.items():
        detail = f"{seconds / BATCH * 1e6:.1f} microseconds an item with {_CHILDREN} children"
        yield Row("D", f"stage: {name}", None, "", detail, runs)


def _hashes(seen: Sequence[SnapshotRecord]) -> None:
    """Make as many hashes as capture does, of about as many bytes."""
    row, key = bytes(90), bytes(30)
    child_id = canonical.child_ids(None, key)
    for record in seen:
        rows = [child_id(key) + canonical.row_hash(row) for _ in record.children[0]]
        canonical.record_hash(row, [(key, rows)])
        canonical.entity_id(key)


def _through_queue(seen: Sequence[SnapshotRecord]) -> None:
    queue = SnapshotQueue[SnapshotRecord](max_records=2 * BATCH, max_bytes=1 << 30)
    for record in seen:
        queue.put(record)
    queue.take(BATCH, 1 << 30)
