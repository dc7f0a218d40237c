"""What the delivery is handed from outside: who watches it, where unstored records go, options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from scrapy_snapshot_pipeline.records import Batch, DeliveryReport, SnapshotRecord, WriteResult


class Watcher(Protocol):
    """Who is told of the delivery; what it raises is logged and harms nothing."""

    def reported(self, reports: Sequence[DeliveryReport]) -> None:
        """The last words on records that share their fate; once for each record."""

    def committed(self, batch: Batch, result: WriteResult) -> None:
        """Once a transaction, before the reports of its records."""

    def retrying(self, attempt: int, error: BaseException, delay: float) -> None:
        """Before each sleep: the failed attempt, its error, seconds until the next."""

    def splitting(self) -> None:
        """Before a batch is written in parts."""


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
        """Keep them all, on the disk before returning; raises DeadLetterError."""


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """What the user may choose."""

    batch_size: int
    batch_bytes: int
    linger: float
    """Seconds."""
    on_outage: Literal["stop", "dead_letter"] = "stop"
    on_reject: Literal["dead_letter", "drop", "stop"] = "dead_letter"
