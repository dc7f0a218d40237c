"""What a delivery is handed from outside: the store, the spool, a watcher, time, and options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Literal, Protocol, TypeAlias

from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.reactor.timers import CallLater
from scrapy_snapshot_pipeline.records import Batch, DeliveryReport, SnapshotRecord, WriteResult
from scrapy_snapshot_pipeline.settings import SnapshotSettings

UNAVAILABLE = "snapshot_database_unavailable"
"""Finish reason of a crawl whose database was away for too long."""
BROKEN = "snapshot_database_broken"
"""Finish reason of a crawl whose database or table refuses every record."""
REJECTED = "snapshot_record_rejected"
"""Finish reason of a crawl that the user wants stopped at the first record that is refused."""
NO_DEAD_LETTERS = "snapshot_dead_letters_failed"
"""Finish reason of a crawl whose dead letters cannot be written."""

StopCrawl: TypeAlias = Callable[[str], object]
"""Asks for the end of the crawl with one of the finish reasons above; returns at once."""


class Store(Protocol):
    """Where batches are written."""

    def write(self, batch: Batch) -> Deferred[WriteResult]:
        """Write a batch once, in one transaction, in a thread of its own."""

    def cut(self) -> object:
        """Make a write that is under way fail; its Deferred fires in a later turn of the loop."""


class Watcher(Protocol):
    """Is notified of what happens; an exception that it raises is logged, and has no effect."""

    def reported(self, reports: Sequence[DeliveryReport]) -> None:
        """Called with the last words on records that met the same fate; once for each record."""

    def committed(self, batch: Batch, result: WriteResult) -> None:
        """Called once for each transaction, before the reports of its records."""

    def retrying(self, attempt: int, error: BaseException, delay: float) -> None:
        """Called before each sleep with the failed attempt, its error, and the seconds to sleep."""

    def splitting(self) -> None:
        """Called before a batch is written in parts."""


class Spool(Protocol):
    """Where records go that are not stored."""

    def __call__(
        self,
        records: tuple[SnapshotRecord, ...],
        error: BaseException,
        attempts: int,
        *,
        possibly_stored: bool,
    ) -> None:
        """Write them all to the disk before returning; raises DeadLetterError."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Time and chance, handed in so that a test can set both."""

    call_later: CallLater
    now: Callable[[], float]
    """Seconds, on a clock that never goes back."""
    chance: Callable[[], float]
    """A random number in [0, 1]."""


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """What the user may choose."""

    queue_size: int
    """Records."""
    queue_bytes: int
    batch_size: int
    """Records."""
    batch_bytes: int
    linger: float
    """Seconds."""
    on_outage: Literal["stop", "dead_letter"] = "stop"
    on_reject: Literal["dead_letter", "drop", "stop"] = "dead_letter"

    @classmethod
    def from_settings(cls, settings: SnapshotSettings) -> DeliveryOptions:
        """Those of the user."""
        return cls(**{each.name: getattr(settings, each.name) for each in fields(cls)})
