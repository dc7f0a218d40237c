"""A crawl while it is open: its delivery, its pause, and the ways to stop."""

from __future__ import annotations

from collections.abc import Callable

from scrapy.utils.defer import maybe_deferred_to_future

from scrapy_snapshot_pipeline.crawl.backpressure import CrawlPause
from scrapy_snapshot_pipeline.crawl.engine import CrawlEngine
from scrapy_snapshot_pipeline.crawl.interpreter import PROCESS_TUNING
from scrapy_snapshot_pipeline.crawl.item_errors import QuietItemErrors, raise_if_not_stored
from scrapy_snapshot_pipeline.crawl.stats import CrawlStats
from scrapy_snapshot_pipeline.delivery.delivery import Delivery
from scrapy_snapshot_pipeline.errors import WriteError
from scrapy_snapshot_pipeline.reactor.future import Future, future_factory
from scrapy_snapshot_pipeline.records import DeliveryReport, SnapshotRecord
from scrapy_snapshot_pipeline.settings import SnapshotSettings

_RUN_ROW_SECONDS = 1.5
"""How long completing the run's row may take; this comes after SNAPSHOT_CLOSE_TIMEOUT."""
_FORCED_RUN_ROW_SECONDS = 0.5
"""The same, after a second signal."""


class OpenCrawl:
    """What exists only while the crawl is open: its delivery, its pause, and the ways to stop.

    `open_spider` makes it once the database is ready.
    """

    def __init__(
        self,
        settings: SnapshotSettings,
        engine: CrawlEngine,
        stats: CrawlStats,
        build_delivery: Callable[[Callable[[str], object]], Delivery],
    ) -> None:
        """`build_delivery` is handed what stops the crawl with a finish reason."""
        self._settings = settings
        self._engine = engine
        self._stats = stats
        self._stopping = False
        self._forced = False
        self._new_future: Callable[[], Future[DeliveryReport]] = future_factory()
        self._delivery = build_delivery(self._stop)
        self.pause = CrawlPause(
            pause=self._pause_engine,
            resume=engine.resume,
            unpause=engine.unpause,
            writes_are_slow=lambda: self._delivery.slow,
            pause_at=settings.pause_at,
        )
        engine.when_closing(self._begin_to_stop)
        self._quiet = QuietItemErrors()
        self._quiet.begin()
        if settings.tune_process:
            PROCESS_TUNING.begin()

    @property
    def run_row_seconds(self) -> float:
        """How long completing the run's row may take."""
        return _FORCED_RUN_ROW_SECONDS if self._forced else _RUN_ROW_SECONDS

    async def deliver(self, record: SnapshotRecord, unavailable: WriteError | None = None) -> None:
        """Submit a record, and wait as SNAPSHOT_ACK says; raises NotStoredError or DropItem.

        Where its tables are `unavailable`, it goes to the dead letters.
        """
        delivered, notify = self._new_future()
        admitted = self._delivery.submit(record, notify, unavailable)
        self._stats.accepted(self._delivery.queued, self.pause.waiting)
        if self._settings.ack == "commit":
            raise_if_not_stored(await delivered)
        elif not admitted.called:
            await maybe_deferred_to_future(admitted)

    async def drain(self) -> None:
        """Deliver all that is pending, within SNAPSHOT_CLOSE_TIMEOUT."""
        await self._delivery.close(self._settings.close_timeout)
        self.pause.release()

    def release(self) -> None:
        """Set the process back to what it was before."""
        self._quiet.end()
        if self._settings.tune_process:
            PROCESS_TUNING.end()

    def _pause_engine(self) -> bool:
        paused = self._engine.pause()
        if paused:
            self._stats.paused()
            self._delivery.hasten()
        return paused

    def _stop(self, reason: str) -> None:
        if self._stopping or self._forced:
            return
        self._stopping = True
        self.pause.release()
        self._engine.stop(reason)

    def _begin_to_stop(self) -> None:
        """The crawl is closing, and waits for items that may wait for an absent database."""
        self.pause.release()
        self._engine.kick()
        self._delivery.stop_within(self._settings.close_timeout)

    def force_stop(self) -> None:
        """Spool all that is pending, now: after a second signal the loop may not turn again."""
        self._forced = True
        self.pause.release()
        if self._delivery.pending:
            self._delivery.abandon()
