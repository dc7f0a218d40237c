"""Section G: many crawlers at once in one PostgreSQL, as the store sees them: writers alone.

Each writer is a process with a connection of its own.  In a round it sees its entities once more,
in an order of its own, half of them changed; then all wait for each other, and the tables are
analysed, as autovacuum does it sooner or later.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import multiprocessing
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, count
from multiprocessing.connection import Connection
from statistics import median
from typing import Protocol, TypeAlias

import sqlalchemy as sa

from benchmarks.databases import Databases, open_store
from benchmarks.items import START, event, records
from benchmarks.measure import Row
from scrapy_snapshot_pipeline.delivery.retry import FailureTracker, Retry, RetryPolicy
from scrapy_snapshot_pipeline.errors import WriteError
from scrapy_snapshot_pipeline.records import Batch, SnapshotRecord
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore

_PROCESSES = multiprocessing.get_context("forkserver")
_PATIENCE = 300
"""Seconds in which a writer must be done with a round, however much it meets the others."""
_DAY = dt.timedelta(days=1)
_DELAY = dt.timedelta(minutes=5)
_TABLES = ("event", "event_markets")


@dataclass(frozen=True)
class Size:
    """How much is written."""

    entities: int
    """Of each writer."""
    children: int
    """Of an entity."""
    rounds: int
    """In the first of them all entities are new."""
    writers: Sequence[int]
    """How many at once; 1 must be among them."""
    batch: int
    """Records in a batch: with fewer than in the other sections writers meet more often."""
    runs: int


@dataclass(frozen=True)
class Task:
    """What one of the writers does."""

    url: str
    number: int
    shared: bool
    """All writers see the same entities."""
    size: Size

    def look(self, round_number: int) -> list[SnapshotRecord]:
        """The entities as they are in a round, in an order of this writer's own.

        Each sees them some minutes after the one before it, and all store them at once: who looked
        first is seldom the first to store what was seen.
        """
        first = 0 if self.shared else self.number * self.size.entities
        numbers = list(range(first, first + self.size.entities))
        random.Random(f"{self.number} {round_number}").shuffle(numbers)  # noqa: S311 - an order
        events = (event(n, self.size.children, price=(round_number + n % 2) // 2) for n in numbers)
        return records(events, START + round_number * _DAY + self.number * _DELAY)


@dataclass(frozen=True)
class Figures:
    """What one writer did in one round."""

    started: float
    ended: float
    """Seconds of the machine's one monotonic clock, which all processes share."""
    entities: int
    batches: int
    retries: int


class Meeting(Protocol):
    """A barrier, of threads or of processes."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for all others."""


Side: TypeAlias = tuple[bool, int]
"""Whether the entities are shared, and how many writers there are."""
Rounds: TypeAlias = Sequence[Sequence[Figures]]
"""Of each round what every writer did."""


def write_alone(task: Task, meeting: Meeting, answers: Connection) -> None:
    """Write all rounds of `task`; the body of a writer's process."""
    with closing(open_store(task.url)) as store:
        for number in range(task.size.rounds):
            batches = _batches(task.look(number), task.size.batch)
            meeting.wait(_PATIENCE)
            answers.send(_write(store, batches))


def _batches(seen: Sequence[SnapshotRecord], most: int) -> list[tuple[SnapshotRecord, ...]]:
    return [tuple(seen[first : first + most]) for first in range(0, len(seen), most)]


def _write(store: SnapshotStore, batches: Sequence[tuple[SnapshotRecord, ...]]) -> Figures:
    started = time.monotonic()
    retries = sum(_insist(store, batch) for batch in batches)
    return Figures(started, time.monotonic(), sum(map(len, batches)), len(batches), retries)


def _insist(store: SnapshotStore, batch: tuple[SnapshotRecord, ...]) -> int:
    """Write one batch as the delivery does it; return how often it had to be written again."""
    policy, troubles = RetryPolicy(), FailureTracker()
    for attempt in count(1):
        try:
            store.write(Batch(batch, attempt))
        except WriteError as error:  # noqa: PERF203 - waits for the server anyway
            trouble = troubles.failed(error, time.monotonic(), len(batch))
            verdict = policy.decide(error, trouble, random.random())  # noqa: S311
            if not isinstance(verdict, Retry):
                raise
            time.sleep(verdict.delay)
        else:
            return attempt - 1
    raise AssertionError  # count() has no end


def measure(databases: Databases, size: Size) -> Iterator[Row]:
    """All of section G."""
    sides = [(shared, writers) for shared in (True, False) for writers in size.writers]
    sides.remove((False, 1))  # one alone shares with nobody
    found: dict[Side, list[Rounds]] = {side: [] for side in sides}
    for _ in range(size.runs):
        for shared, writers in sides:
            found[shared, writers].append(_story(databases, size, writers, shared=shared))
    for (shared, writers), stories in found.items():
        yield from _rows(_name(writers, shared=shared), stories, size)
    yield from _gains(found)


def _story(databases: Databases, size: Size, writers: int, *, shared: bool) -> Rounds:
    """All rounds, in a database of their own."""
    url = databases.postgresql()
    with closing(open_store(url)):
        tasks = [Task(url, number, shared, size) for number in range(writers)]
        with _running(tasks) as (meeting, answers):
            rounds = [_round(url, meeting, answers) for _ in range(size.rounds)]
    databases.drop(url)
    return rounds


@contextlib.contextmanager
def _running(tasks: Sequence[Task]) -> Iterator[tuple[threading.Barrier, Sequence[Connection]]]:
    """Processes that write; they begin a round when this one is at the meeting, too."""
    meeting = _PROCESSES.Barrier(len(tasks) + 1)
    processes, answers = [], []
    for task in tasks:
        here, there = _PROCESSES.Pipe(duplex=False)
        process = _PROCESSES.Process(target=write_alone, args=(task, meeting, there), daemon=True)
        process.start()
        there.close()
        processes.append(process)
        answers.append(here)
    try:
        yield meeting, answers
    finally:
        for process in processes:
            process.join(_PATIENCE)


def _round(url: str, meeting: Meeting, answers: Sequence[Connection]) -> Sequence[Figures]:
    meeting.wait(_PATIENCE)
    figures: list[Figures] = [answer.recv() for answer in answers]
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for table in _TABLES:
            connection.execute(sa.text(f"ANALYZE {table}"))
    return figures


def _rows(name: str, stories: Sequence[Rounds], size: Size) -> Iterator[Row]:
    again = [story[1:] for story in stories]
    figures = [each for story in again for writers in story for each in writers]
    retries = sum(each.retries for each in figures)
    batches = sum(each.batches for each in figures)
    first = sum(each.retries for story in stories for each in story[0]) / len(stories)
    detail = f"{retries} in {batches}, not counting {first:.0f} while all was new"
    yield Row("G", f"{name}: retries / batches", retries / batches, "<= 0.01", detail, len(stories))
    rates = [median(map(_rate, each)) for each in zip(*stories, strict=True)]
    title = f"{name}: rate in round {size.rounds} / in round 2"
    detail = "/s, ".join(f"{rate:,.0f}" for rate in rates) + "/s"
    yield Row("G", title, rates[-1] / rates[1], ">= 0.8", detail, len(stories))


def _rate(figures: Sequence[Figures]) -> float:
    """Entities a second, all writers together."""
    seconds = max(each.ended for each in figures) - min(each.started for each in figures)
    return sum(each.entities for each in figures) / seconds


def _gains(found: dict[Side, list[Rounds]]) -> Iterator[Row]:
    """What more writers bring: of rounds with the same number, since a table grows with them."""
    one = found[True, 1]
    for (shared, writers), stories in found.items():
        if writers == 1:
            continue
        several = [_rates_again(story) for story in stories]
        alone = [_rates_again(story) for story in one]
        pairs = zip(chain(*several), chain(*alone), strict=True)
        ratios = [more / less for more, less in pairs]
        goal = ">= 1.6" if writers == 2 else ""
        detail = f"{_median(several):,.0f}/s against {_median(alone):,.0f}/s"
        name = f"{_name(writers, shared=shared)}: rate / one writer's"
        yield Row("G", name, median(ratios), goal, detail, len(stories))


def _rates_again(story: Rounds) -> list[float]:
    return [_rate(figures) for figures in story[1:]]


def _median(rates: Sequence[Sequence[float]]) -> float:
    return median(chain(*rates))


def _name(writers: int, *, shared: bool) -> str:
    if writers == 1:
        return "one writer"
    return f"{writers} writers, {'the same entities' if shared else 'each its own'}"
