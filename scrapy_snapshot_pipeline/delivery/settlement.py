"""The last word on each record: a dead letter if it is not stored, and in any case a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scrapy_snapshot_pipeline.delivery import log as delivery_log
from scrapy_snapshot_pipeline.delivery import reports
from scrapy_snapshot_pipeline.delivery.in_flight import Part
from scrapy_snapshot_pipeline.delivery.notifier import Notifier, call_listener
from scrapy_snapshot_pipeline.delivery.ports import NO_DEAD_LETTERS, Spool, StopCrawl, Watcher
from scrapy_snapshot_pipeline.errors import DeadLetterError
from scrapy_snapshot_pipeline.reactor.timers import CallLater
from scrapy_snapshot_pipeline.records import DeliveryReport, Outcome, WriteResult


class Settlement:
    """Settles records, each exactly once.  Reactor thread only.

    The watcher gets the reports of a part at once; whoever submitted a record is notified in this
    turn of the loop or in one of the next.
    """

    def __init__(
        self, *, spool: Spool, watcher: Watcher, stop_crawl: StopCrawl, call_later: CallLater
    ) -> None:
        self._spool = spool
        self._watcher = watcher
        self._stop_crawl = stop_crawl
        self._notifier = Notifier(call_later)

    def __len__(self) -> int:
        """Settled records whose submitter has not been notified yet."""
        return len(self._notifier)

    def stored(self, part: Part, result: WriteResult) -> None:
        """Report a part that was committed."""
        if len(result.outcomes) != len(part.entries):
            error = reports.miscounted(part.batch, result)
            self.dead_letter(replace(part, possibly_stored=True), error)
            return
        call_listener(self._watcher.committed, part.batch, result)
        self._report(part, reports.stored(part.batch, result))

    def dropped(self, part: Part, error: BaseException) -> None:
        """Report a part that was refused and is not kept."""
        delivery_log.dropped(part.batch, error)
        self._report(part, reports.not_stored(part.batch, Outcome.DROPPED, error))

    def dead_letter(self, part: Part, error: BaseException) -> None:
        """Spool a part; if that fails too, its records are FAILED and the crawl stops."""
        try:
            self._spool(
                part.batch.records, error, part.batch.attempt, possibly_stored=part.possibly_stored
            )
        except DeadLetterError as unwritable:
            delivery_log.lost(part.batch, unwritable)
            self._report(part, reports.not_stored(part.batch, Outcome.FAILED, unwritable))
            self._stop_crawl(NO_DEAD_LETTERS)
            return
        delivery_log.dead_lettered(part.batch, error)
        self._report(part, reports.not_stored(part.batch, Outcome.DEAD_LETTERED, error))

    def hold(self) -> None:
        """Notify nobody until `finish`, which must follow: the loop may have no other turn."""
        self._notifier.hold()

    def finish(self) -> None:
        """Notify everybody before returning, and from now on at once."""
        self._notifier.finish()

    def _report(self, part: Part, last_words: Sequence[DeliveryReport]) -> None:
        call_listener(self._watcher.reported, last_words)
        self._notifier.notify(zip(part.entries, last_words, strict=True))
