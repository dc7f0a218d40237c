"""The Scrapy component, and the one place where all parts are put together."""

from __future__ import annotations

import datetime as dt
import logging
import random
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.utils.asyncio import call_later
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.backpressure import CrawlPause
from scrapy_snapshot_pipeline.capture import Capture, compile_capture
from scrapy_snapshot_pipeline.clock import ObservationClock
from scrapy_snapshot_pipeline.connect import connect_engine
from scrapy_snapshot_pipeline.declare import Declarations
from scrapy_snapshot_pipeline.delivery import Delivery, Pending
from scrapy_snapshot_pipeline.engine import CrawlEngine
from scrapy_snapshot_pipeline.errors import CaptureError, NotStoredError, WriteError
from scrapy_snapshot_pipeline.insist import insist
from scrapy_snapshot_pipeline.ledger import Run, RunEnd
from scrapy_snapshot_pipeline.observe import Observer
from scrapy_snapshot_pipeline.queue import SnapshotQueue
from scrapy_snapshot_pipeline.records import Batch, Outcome, SnapshotRecord, WriteResult
from scrapy_snapshot_pipeline.retry import RetryPolicy
from scrapy_snapshot_pipeline.settings import SnapshotSettings
from scrapy_snapshot_pipeline.shared import Shared
from scrapy_snapshot_pipeline.store import SnapshotStore
from scrapy_snapshot_pipeline.tables import Declaration
from scrapy_snapshot_pipeline.writer_thread import (
    ExecutorWriterThread,
    TwistedWriterThread,
    WriterThread,
)

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from typing_extensions import Self

logger = logging.getLogger(__name__)

P = ParamSpec("P")


class SnapshotPipeline:
    """Keeps the history of every declared item in a SQL database.

    Everything here happens on the reactor thread but what `WriterThread` runs.
    """

    def __init__(self, crawler: Crawler, settings: SnapshotSettings) -> None:
        """Check all that can be checked without a database; raises ConfigurationError."""
        self._crawler = crawler
        self._settings = settings
        self._declarations = Declarations(settings.items)
        self._declarations.roots()
        engine = connect_engine(settings.database_url, connect_timeout=settings.connect_timeout)
        self._store = SnapshotStore(engine, create_tables=settings.create_tables)
        self._policy = RetryPolicy(
            settings.retry_times, settings.retry_backoff, settings.retry_backoff_max
        )
        self._run_id = uuid.uuid4()
        self._clock = ObservationClock(time.time_ns)
        self._scrapy = CrawlEngine(crawler, call_later)
        self._observer = Observer(_stats_of(crawler))
        self._pause = CrawlPause(self._scrapy.pause, self._scrapy.unpause, settings.pause_at)
        self._captures: dict[type, Capture | None] = {}
        self._declaring: dict[type, Shared] = {}
        self._thread: WriterThread | None = None
        self._delivery: Delivery | None = None
        self._finish_reason: str | None = None
        self._drained = Shared(self._drain)
        self._ended = Shared(self._end)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the settings; raises SettingsError, DeclarationError."""
        settings = SnapshotSettings.from_settings(crawler.settings)
        if not settings.enabled:
            raise NotConfigured("SNAPSHOT_ENABLED is off")
        pipeline = cls(crawler, settings)
        crawler.signals.connect(pipeline.spider_closed, signal=signals.spider_closed)
        crawler.signals.connect(pipeline.engine_stopped, signal=signals.engine_stopped)
        return pipeline

    async def open_spider(self) -> None:
        """Create or check the tables and write the run's row; raises what keeps it from that."""
        self._thread = thread = _writer_thread(self._crawler)
        try:
            await maybe_deferred_to_future(Deferred.fromCoroutine(self._open(thread)))
        except BaseException:
            self._release()
            raise
        self._delivery = self._build_delivery(thread)

    async def process_item(self, item: Any) -> Any:  # noqa: ANN401 - Scrapy's items are anything
        """Store or confirm the item; raises CaptureError or NotStoredError for this one item."""
        capture = self._captures.get(type(item)) or await self._capture_for(type(item))
        if capture is None:
            self._observer.ignored()
            return item
        self._pause.entered()
        self._observer.waiting(self._pause.waiting, self._pause.times_paused)
        try:
            await self._deliver(self._record(capture, item))
        finally:
            self._pause.left()
            self._scrapy.kick()
        return item

    async def close_spider(self) -> None:
        """Flush all that is pending, within SNAPSHOT_CLOSE_TIMEOUT."""
        await maybe_deferred_to_future(self._drained.wait())

    async def spider_closed(self, reason: str) -> None:
        """Complete the run's row: the reason is not known before."""
        self._finish_reason = reason
        await maybe_deferred_to_future(self._ended.wait())

    async def engine_stopped(self) -> None:
        """Hold the reactor where a signal during our close would have stopped it under us."""
        await maybe_deferred_to_future(self._ended.wait())

    # Opening

    async def _open(self, thread: WriterThread) -> None:
        await self._insist(thread, self._store.declare, self._declarations.roots())
        for declaration in self._declarations.roots():
            self._captures[declaration.item_class] = self._compile(declaration)
        spider = self._crawler.spider
        run = Run(self._run_id, spider.name if spider else "", dt.datetime.now(dt.timezone.utc))
        await self._insist(thread, self._store.start_run, run)

    def _build_delivery(self, thread: WriterThread) -> Delivery:
        settings = self._settings

        def write(batch: Batch) -> Deferred[WriteResult]:
            return thread.run(self._store.write, batch)

        self._queue = SnapshotQueue[Pending](
            max_records=settings.queue_size, max_bytes=settings.queue_bytes
        )
        return Delivery(
            queue=self._queue,
            write=write,
            call_later=call_later,
            chance=random.random,
            policy=self._policy,
            report=self._observer.reported,
            committed=self._observer.committed,
            retrying=self._observer.retrying,
            batch_size=settings.batch_size,
            batch_bytes=settings.batch_bytes,
            linger=settings.linger,
        )

    # Items

    async def _capture_for(self, item_class: type) -> Capture | None:
        """The capture of a class seen for the first time; its tables are created before."""
        if item_class in self._captures:
            return self._captures[item_class]
        declaration = self._declarations.of(item_class)
        if declaration is None:
            self._captures[item_class] = None
            _warn_undeclared(item_class)
            return None
        await maybe_deferred_to_future(self._declared(declaration).wait())
        return self._captures[item_class]

    def _declared(self, declaration: Declaration) -> Shared:
        item_class = declaration.item_class
        if item_class not in self._declaring:
            self._declaring[item_class] = Shared(lambda: self._declare(declaration))
        return self._declaring[item_class]

    async def _declare(self, declaration: Declaration) -> None:
        thread = self._thread
        if thread is None:
            raise NotStoredError("the snapshot pipeline is not open")
        try:
            await self._insist(thread, self._store.declare, [declaration])
        except WriteError:
            del self._declaring[declaration.item_class]  # the next item may find a database again
            raise
        self._captures[declaration.item_class] = self._compile(declaration)

    def _compile(self, declaration: Declaration) -> Capture:
        return compile_capture(
            declaration,
            naive_timezone=self._settings.naive_timezone,
            max_bytes=self._settings.item_max_bytes,
        )

    def _record(self, capture: Capture, item: object) -> SnapshotRecord:
        try:
            return capture(item, self._clock(), self._run_id)
        except CaptureError:
            self._observer.rejected()
            raise

    async def _deliver(self, record: SnapshotRecord) -> None:
        if self._delivery is None:
            raise NotStoredError("the snapshot pipeline is not open")
        submission = self._delivery.submit(record)
        self._observer.accepted(len(self._queue))
        if self._settings.ack == "enqueue":
            await maybe_deferred_to_future(submission.admitted)
            return
        report = await maybe_deferred_to_future(submission.delivered)
        if report.outcome is Outcome.FAILED:
            raise NotStoredError(f"a record of table {record.table} was not stored: {report.error}")

    # Closing

    async def _drain(self) -> None:
        if self._delivery is not None:
            await self._delivery.close(self._settings.close_timeout)
            self._observer.log_sum()
        self._pause.release()

    async def _end(self) -> None:
        await self._drained.wait()
        try:
            if self._delivery is not None and self._thread is not None:
                await self._insist(self._thread, self._store.finish_run, self._run_end())
        finally:
            self._release()

    def _run_end(self) -> RunEnd:
        return RunEnd(
            self._run_id,
            dt.datetime.now(dt.timezone.utc),
            self._finish_reason or "interrupted",
            self._observer.counters(),
        )

    async def _insist(
        self, thread: WriterThread, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Run in the thread what no delivery retries: tables and the run's row."""
        await insist(
            lambda: thread.run(work, *args, **kwargs),
            policy=self._policy,
            chance=random.random,
            call_later=call_later,
        )

    def _release(self) -> None:
        if self._thread is not None:
            self._thread.run(self._store.close).addErrback(lambda _: None)
            self._thread.stop()
            self._thread = None


def _writer_thread(crawler: Crawler) -> WriterThread:
    if not crawler.settings.getbool("TWISTED_REACTOR_ENABLED", True):  # noqa: FBT003
        return ExecutorWriterThread()
    # Importing the reactor installs one, so it must not come before Scrapy has chosen.
    from twisted.internet import reactor

    return TwistedWriterThread(reactor)


def _stats_of(crawler: Crawler) -> Any:  # noqa: ANN401
    return crawler.stats


def _warn_undeclared(item_class: type) -> None:
    logger.warning(
        "Items of %s.%s have no @snapshot declaration and no entry in SNAPSHOT_ITEMS; "
        "they pass through and are not stored (counted in snapshots/ignored)",
        item_class.__module__,
        item_class.__qualname__,
    )
