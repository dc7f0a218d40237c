"""The Scrapy component, and the one place where all parts are put together."""

from __future__ import annotations

import datetime as dt
import logging
import random
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.exceptions import NotConfigured
from scrapy.utils.asyncio import call_later
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.capture.captures import Captures
from scrapy_snapshot_pipeline.capture.clock import ObservationClock
from scrapy_snapshot_pipeline.capture.compile import Capture
from scrapy_snapshot_pipeline.crawl.engine import CrawlEngine
from scrapy_snapshot_pipeline.crawl.item_errors import (
    log_rejection,
)
from scrapy_snapshot_pipeline.crawl.jobdir import Job
from scrapy_snapshot_pipeline.crawl.loop import before_shutdown, loop_caller
from scrapy_snapshot_pipeline.crawl.open_crawl import OpenCrawl
from scrapy_snapshot_pipeline.crawl.project import project_settings, warn_of_stray_file
from scrapy_snapshot_pipeline.crawl.scrapy_command import is_parse, stores_nothing
from scrapy_snapshot_pipeline.crawl.stats import CrawlStats
from scrapy_snapshot_pipeline.crawl.warnings import CrawlWarnings, warn_of_http_cache
from scrapy_snapshot_pipeline.dead_letters.file import DeadLetterFile, check_folder
from scrapy_snapshot_pipeline.dead_letters.folder import dead_letter_folder
from scrapy_snapshot_pipeline.dead_letters.spool import DeadLetterSpool
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.declaration.tables import Role
from scrapy_snapshot_pipeline.delivery.delivery import Delivery
from scrapy_snapshot_pipeline.delivery.ports import DeliveryOptions, Environment
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.errors import CaptureError, NotStoredError
from scrapy_snapshot_pipeline.reactor.once import Once
from scrapy_snapshot_pipeline.settings import SnapshotSettings
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine, shown_url
from scrapy_snapshot_pipeline.store.schema.runs import CRAWL, PARSE, Run, RunEnd
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from scrapy_snapshot_pipeline.writer.async_store import AsyncStore

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from typing_extensions import Self


class SnapshotPipeline:
    """Keeps the history of every declared item in a SQL database.

    Everything here happens on the reactor thread, except what `WorkerThread` runs.
    """

    def __init__(self, crawler: Crawler, settings: SnapshotSettings) -> None:
        """Check all that can be checked without a database; raises ConfigurationError."""
        self._crawler = crawler
        self._settings = settings
        declarations = Declarations(settings.items)
        declarations.roots()
        self._policy = RetryPolicy.from_settings(settings)
        self._run_id = uuid.uuid4()
        self._clock = ObservationClock(_utc_now)
        self._engine = CrawlEngine(crawler, call_later)
        warnings = CrawlWarnings(self._key_of, _utc_now)
        self._stats = CrawlStats(_stats_of(crawler), warnings.committed)
        self._database = self._build_database()
        self._captures = Captures(
            declarations,
            self._database.declare,
            self._database.declare_late,
            naive_timezone=settings.naive_timezone,
            max_bytes=settings.item_max_bytes,
            spider=lambda: self._spider_name,
        )
        folder = dead_letter_folder(settings)
        check_folder(folder)
        self._letters = DeadLetterFile(folder, self._run_id, settings.dead_letter_max_bytes)
        self._job = Job(crawler.settings.get("JOBDIR"))
        self._opened: OpenCrawl | None = None
        self._forget_shutdown: Callable[[], object] = lambda: None
        self._finish_reason: str | None = None
        self._drained = Once(self._drain)
        self._ended = Once(self._end)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the settings; raises SettingsError, DeclarationError."""
        settings = project_settings(crawler.settings)
        if not settings.enabled:
            raise NotConfigured("SNAPSHOT_ENABLED is off")
        command = stores_nothing()
        if command is not None:
            raise NotConfigured(f"`scrapy {command}` hands no items to pipelines")
        pipeline = cls(crawler, settings)
        crawler.signals.connect(pipeline.spider_closed, signal=signals.spider_closed)
        crawler.signals.connect(pipeline.engine_stopped, signal=signals.engine_stopped)
        return pipeline

    async def open_spider(self) -> None:
        """Create or check the tables and write the run's row; raises what prevents that."""
        warn_of_stray_file(self._crawler.settings)
        self._database.open(loop_caller(self._crawler))
        try:
            await maybe_deferred_to_future(Deferred.fromCoroutine(self._prepare_database()))
        except BaseException:
            self._database.release()
            raise
        warn_of_http_cache(self._crawler.settings)
        self._job.record(self._run_id, finished=False)
        self._opened = OpenCrawl(self._settings, self._engine, self._stats, self._build_delivery)
        self._engine.when_closing(self._database.stop_waiting)
        self._forget_shutdown = before_shutdown(
            self._crawler, self._force_end, self._force_end_blocking
        )

    async def process_item(self, item: Any) -> Any:
        """Store or confirm the item; raises CaptureError or NotStoredError for this one item."""
        try:
            await self._store(item)
        except CaptureError as error:
            self._stats.rejected()
            log_rejection(error)
            if self._settings.rejected_items == "error":
                raise
        return item

    async def close_spider(self) -> None:
        """Flush all that is pending, within SNAPSHOT_CLOSE_TIMEOUT."""
        await maybe_deferred_to_future(self._drained.wait())

    async def spider_closed(self, reason: str) -> None:
        """Complete the run's row; the finish reason is not known earlier."""
        self._finish_reason = reason
        await maybe_deferred_to_future(self._ended.wait())

    async def engine_stopped(self) -> None:
        """Keep the reactor until we have ended: a signal during our close would stop it first."""
        await maybe_deferred_to_future(self._ended.wait())

    # Opening

    async def _prepare_database(self) -> None:
        await self._captures.prepare_declared()
        await self._database.start_run(self._run())
        logger.info("Snapshots go to %s", self._database.address)

    def _run(self) -> Run:
        return Run(
            self._run_id,
            self._spider_name,
            _utc_now(),
            kind=PARSE if is_parse() else CRAWL,
            resumes=self._job.resumed_run(),
        )

    @property
    def _spider_name(self) -> str:
        return self._crawler.spider.name if self._crawler.spider else ""

    def _build_database(self) -> AsyncStore:
        settings = self._settings
        engine = connect_engine(
            settings.database_url,
            connect_timeout=settings.connect_timeout,
            write_timeout=settings.write_timeout,
        )
        return AsyncStore(
            SnapshotStore(
                engine,
                create_tables=settings.create_tables,
                evolve=settings.evolution == "additive",
                now=_utc_now,
            ),
            policy=self._policy,
            call_later=call_later,
            write_timeout=settings.write_timeout,
            open_timeout=settings.open_timeout,
            frozen=self._stats.frozen,
        )

    def _build_delivery(self, stop_crawl: Callable[[str], object]) -> Delivery:
        return Delivery(
            store=self._database,
            spool=DeadLetterSpool(
                self._letters, self._spider_name, self._captures.tables, _utc_now
            ),
            watcher=self._stats,
            stop_crawl=stop_crawl,
            environment=Environment(call_later, time.monotonic, random.random),
            policy=self._policy,
            options=DeliveryOptions.from_settings(self._settings),
        )

    def _key_of(self, table: str) -> Sequence[str]:
        columns = self._captures.tables[table].columns
        return [column.name for column in columns if column.role is Role.KEY]

    # Items

    async def _store(self, item: object) -> None:
        crawl = self._opened
        if crawl is None:
            raise NotStoredError("the snapshot pipeline is not open")
        crawl.pause.entered()
        try:
            capture = self._captures.ready.get(type(item)) or await self._prepared(type(item))
            if capture is None:
                self._stats.ignored()
                return
            record = capture(item, self._clock(), self._run_id)
            await crawl.deliver(record, self._captures.unavailable.get(record.table))
        finally:
            crawl.pause.left()

    async def _prepared(self, item_class: type) -> Capture | None:
        if item_class not in self._captures.ready:
            preparing = Deferred.fromCoroutine(self._captures.prepare(item_class))
            await maybe_deferred_to_future(preparing)
        return self._captures.ready[item_class]

    # Closing

    async def _drain(self) -> None:
        if self._opened is not None:
            await self._opened.drain()
            self._log_end()

    def _log_end(self) -> None:
        self._captures.warn_of_unseen()
        self._stats.log_closing_line(self._spider_name, shown_url(self._settings.database_url))

    def _force_end(self) -> Deferred[None]:
        """After a second signal: the reactor waits for the end, which takes a second at most."""
        if self._opened is not None:
            self._opened.force_stop()
        self._database.stop_waiting()
        return self._ended.wait()

    def _force_end_blocking(self) -> None:
        """The same where no loop is left, in which the run's row could be completed."""
        if self._opened is None:
            return
        self._opened.force_stop()
        self._log_end()
        self._database.finish_run_blocking(self._run_end(), self._opened.run_row_seconds)

    async def _end(self) -> None:
        await self._drained.wait()
        crawl = self._opened
        try:
            if crawl is not None:
                self._job.record(self._run_id, finished=self._finish_reason == "finished")
                await self._database.finish_run(self._run_end(), crawl.run_row_seconds)
        finally:
            self._database.release()
            self._letters.close()
            if crawl is not None:
                self._forget_shutdown()
                crawl.release()

    def _run_end(self) -> RunEnd:
        return RunEnd(
            self._run_id,
            _utc_now(),
            self._finish_reason or "interrupted",
            self._stats.counters(),
            self._stats.seen,
        )


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _stats_of(crawler: Crawler) -> Any:
    return crawler.stats
