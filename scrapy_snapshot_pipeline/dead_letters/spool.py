"""Writes records that could not be stored to the run's file of dead letters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from scrapy_snapshot_pipeline.dead_letters.file import DeadLetterFile
from scrapy_snapshot_pipeline.dead_letters.format import DeadLetter, encode, reason_of
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import NO_CAUSE, SnapshotError, WriteError
from scrapy_snapshot_pipeline.records import SnapshotRecord


class DeadLetterSpool:
    """Spools to one file; a `Spool` of the delivery.  Blocks; may be called on any thread."""

    def __init__(
        self,
        file: DeadLetterFile,
        spider: str,
        declarations: Mapping[str, Declaration],
        now: Callable[[], dt.datetime],
    ) -> None:
        """`declarations` are by table and may grow; `now` is the wall clock, in UTC."""
        self._file = file
        self._spider = spider
        self._declarations = declarations
        self._now = now

    def __call__(
        self,
        records: tuple[SnapshotRecord, ...],
        error: BaseException,
        attempts: int,
        *,
        possibly_stored: bool,
    ) -> None:
        now = self._now()
        lines = []
        for record in records:
            letter = DeadLetter(
                record=record,
                spider=self._spider,
                failed_at=now,
                reason=reason_of(error),
                attempts=attempts,
                possibly_stored=possibly_stored,
                error_class=type(error).__name__,
                # The text of an error that is not ours may quote a scraped value.
                message=str(error) if isinstance(error, SnapshotError) else "",
                cause=error.cause if isinstance(error, WriteError) else NO_CAUSE,
            )
            lines.append(encode(letter, self._declarations[record.table]))
        self._file.append(lines)
