"""The Scrapy component, and the one place where all parts are put together."""

from __future__ import annotations

import atexit
import datetime as dt
import logging
import random
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.exceptions import DropItem, NotConfigured
from scrapy.utils.asyncio import call_later
from scrapy.utils.defer import maybe_deferred_to_future
from scrapy.utils.project import data_path
from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.capture.clock import ObservationClock
from scrapy_snapshot_pipeline.capture.compile import Capture, compile_capture
from scrapy_snapshot_pipeline.crawl.backpressure import CrawlPause
from scrapy_snapshot_pipeline.crawl.engine import CrawlEngine
from scrapy_snapshot_pipeline.crawl.interpreter import PROCESS
from scrapy_snapshot_pipeline.crawl.stats import CrawlStats
from scrapy_snapshot_pipeline.dead_letters.file import DeadLetterFile, check_folder
from scrapy_snapshot_pipeline.dead_letters.spool import DeadLetterSpool
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.delivery.delivery import Delivery
from scrapy_snapshot_pipeline.delivery.ports import DeliveryOptions, Environment
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.errors import CaptureError, NotStoredError, SnapshotError, WriteError
from scrapy_snapshot_pipeline.reactor.future import Future, future_factory
from scrapy_snapshot_pipeline.reactor.once import Once
from scrapy_snapshot_pipeline.reactor.thread import (
    CallInLoop,
    before_reactor_shutdown,
    call_in_asyncio_loop,
    call_in_reactor,
)
from scrapy_snapshot_pipeline.records import NOT_STORED, DeliveryReport, Outcome, SnapshotRecord
from scrapy_snapshot_pipeline.settings import SnapshotSettings
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.schema.runs import Run, RunEnd
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from scrapy_snapshot_pipeline.writer.async_store import AsyncStore

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from typing_extensions import Self

logger = logging.getLogger(__name__)

DEAD_LETTER_DIR = "snapshot-dead-letters"
"""Of the run's files of dead letters, in Scrapy's data folder, unless the user names another."""

_LEDGER_SECONDS = 1.5
"""For the last act of a run, which completes its row; beyond SNAPSHOT_CLOSE_TIMEOUT."""
_FORCED_LEDGER_SECONDS = 0.5
"""The same, after a second signal."""


class SnapshotPipeline:
    """Keeps the history of every declared item in a SQL database.

    Everything here happens on the reactor thread but what `WorkerThread` runs.
    """

    def __init__(self, crawler: Crawler, settings: SnapshotSettings) -> None:
        """Check all that can be checked without a database; raises ConfigurationError."""
        self._crawler = crawler
        self._settings = settings
        self._declarations = Declarations(settings.items)
        self._declarations.roots()
        self._policy = RetryPolicy(
            settings.retry_times,
            settings.retry_backoff,
            settings.retry_backoff_max,
            settings.outage_timeout,
        )
        self._run_id = uuid.uuid4()
        self._clock = ObservationClock(_utc_now)
        self._scrapy = CrawlEngine(crawler, call_later)
        self._observer = CrawlStats(_stats_of(crawler))
        self._pause = CrawlPause(
            pause=self._pause_crawl,
            resume=self._scrapy.resume,
            unpause=self._scrapy.unpause,
            writes_are_slow=self._writes_are_slow,
            pause_at=settings.pause_at,
        )
        self._database = self._build_database()
        folder = dead_letter_folder(settings)
        check_folder(folder)
        self._letters = DeadLetterFile(folder, self._run_id, settings.dead_letter_max_bytes)
        self._tables: dict[str, Declaration] = {}
        self._captures: dict[type, Capture | None] = {}
        self._declaring: dict[type, Once] = {}
        self._delivery: Delivery | None = None
        self._stopping = False
        self._forced = False
        self._finish_reason: str | None = None
        self._drained = Once(self._drain)
        self._ended = Once(self._end)

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
        self._database.open(_way_into_the_loop(self._crawler))
        try:
            await maybe_deferred_to_future(Deferred.fromCoroutine(self._open()))
        except BaseException:
            self._database.release()
            raise
        self._promise: Callable[[], Future[DeliveryReport]] = future_factory()
        self._delivery = self._build_delivery()
        self._before_shutdown = _before_shutdown(self._crawler, self._force_stop)
        self._scrapy.when_closing(self._begin_to_stop)
        if self._settings.tune_process:
            PROCESS.begin()

    async def process_item(self, item: Any) -> Any:
        """Store or confirm the item; raises CaptureError or NotStoredError for this one item."""
        capture = self._captures.get(type(item)) or await self._capture_for(type(item))
        if capture is None:
            self._observer.ignored()
            return item
        self._pause.entered()
        try:
            await self._deliver(self._record(capture, item))
        finally:
            self._pause.left()
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

    async def _open(self) -> None:
        await self._database.declare(self._declarations.roots())
        for declaration in self._declarations.roots():
            self._ready(declaration)
        await self._database.start_run(Run(self._run_id, self._spider_name, _utc_now()))

    @property
    def _spider_name(self) -> str:
        return self._crawler.spider.name if self._crawler.spider else ""

    def _ready(self, declaration: Declaration) -> None:
        """The tables of a declaration are there: its items can be captured."""
        self._tables[declaration.table] = declaration
        self._captures[declaration.item_class] = self._compile(declaration)

    def _build_database(self) -> AsyncStore:
        settings = self._settings
        engine = connect_engine(
            settings.database_url,
            connect_timeout=settings.connect_timeout,
            write_timeout=settings.write_timeout,
        )
        return AsyncStore(
            SnapshotStore(engine, create_tables=settings.create_tables),
            policy=self._policy,
            call_later=call_later,
            write_timeout=settings.write_timeout,
            open_timeout=settings.open_timeout,
            frozen=self._observer.frozen,
        )

    def _build_delivery(self) -> Delivery:
        settings = self._settings
        return Delivery(
            store=self._database,
            spool=DeadLetterSpool(self._letters, self._spider_name, self._tables, _utc_now),
            watcher=self._observer,
            stop_crawl=self._stop_crawl,
            environment=Environment(call_later, time.monotonic, random.random),
            policy=self._policy,
            options=DeliveryOptions(
                queue_size=settings.queue_size,
                queue_bytes=settings.queue_bytes,
                batch_size=settings.batch_size,
                batch_bytes=settings.batch_bytes,
                linger=settings.linger,
                on_outage=settings.on_outage,
                on_reject=settings.on_reject,
            ),
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

    def _declared(self, declaration: Declaration) -> Once:
        item_class = declaration.item_class
        if item_class not in self._declaring:
            self._declaring[item_class] = Once(lambda: self._declare(declaration))
        return self._declaring[item_class]

    async def _declare(self, declaration: Declaration) -> None:
        try:
            await self._database.declare([declaration])
        except WriteError:
            del self._declaring[declaration.item_class]  # the next item may find a database again
            raise
        self._ready(declaration)

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
        delivered, notify = self._promise()
        admitted = self._delivery.submit(record, notify)
        self._observer.accepted(self._delivery.queued, self._pause.waiting)
        if self._settings.ack == "commit":
            _raise_if_not_stored(await delivered)
        elif not admitted.called:
            await maybe_deferred_to_future(admitted)

    # Closing

    def _stop_crawl(self, reason: str) -> None:
        if self._stopping or self._forced:
            return
        self._stopping = True
        self._pause.release()
        self._scrapy.stop(reason)

    def _pause_crawl(self) -> bool:
        paused = self._scrapy.pause()
        if paused:
            self._observer.paused()
            if self._delivery is not None:
                self._delivery.hasten()
        return paused

    def _writes_are_slow(self) -> bool:
        return self._delivery is None or self._delivery.slow

    def _begin_to_stop(self) -> None:
        """The crawl is closing, and waits for items that may wait for an absent database."""
        self._pause.release()
        self._scrapy.kick()
        if self._delivery is not None:
            self._delivery.stop_within(self._settings.close_timeout)

    def _force_stop(self) -> None:
        """A second signal: no turn of the loop may be left, so all that is pending is spooled."""
        self._forced = True
        self._pause.release()
        if self._delivery is not None and self._delivery.pending:
            self._delivery.abandon()

    async def _drain(self) -> None:
        if self._delivery is not None:
            await self._delivery.close(self._settings.close_timeout)
            self._observer.log_sum()
        self._pause.release()

    async def _end(self) -> None:
        await self._drained.wait()
        try:
            if self._delivery is not None:
                seconds = _FORCED_LEDGER_SECONDS if self._forced else _LEDGER_SECONDS
                await self._database.finish_run(self._run_end(), seconds)
        finally:
            self._release()

    def _run_end(self) -> RunEnd:
        return RunEnd(
            self._run_id,
            _utc_now(),
            self._finish_reason or "interrupted",
            self._observer.counters(),
        )

    def _release(self) -> None:
        self._database.release()
        self._letters.close()
        if self._delivery is None:
            return
        self._before_shutdown()
        if self._settings.tune_process:
            PROCESS.end()


def dead_letter_folder(settings: SnapshotSettings) -> Path:
    """Where the files of dead letters of a project are."""
    if settings.dead_letter_dir is not None:
        return Path(settings.dead_letter_dir)
    try:
        return Path(data_path(DEAD_LETTER_DIR))
    except NotConfigured:  # a project without scrapy.cfg; and this would switch the pipeline off
        return Path(".scrapy", DEAD_LETTER_DIR)


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _raise_if_not_stored(report: DeliveryReport) -> None:
    if report.outcome not in NOT_STORED:
        return
    text = f"a record of table {report.record.table} was not stored: {_text_of(report.error)}"
    if report.outcome is Outcome.DROPPED:
        raise DropItem(text)
    kept = "; it is in the dead letters" if report.outcome is Outcome.DEAD_LETTERED else ""
    raise NotStoredError(text + kept)


def _text_of(error: BaseException | None) -> str:
    """The text of an error that is not ours may quote a scraped value."""
    return str(error) if isinstance(error, SnapshotError) else type(error).__name__


def _has_reactor(crawler: Crawler) -> bool:
    return crawler.settings.getbool("TWISTED_REACTOR_ENABLED", True)  # noqa: FBT003


def _way_into_the_loop(crawler: Crawler) -> CallInLoop:
    return call_in_reactor() if _has_reactor(crawler) else call_in_asyncio_loop()


def _before_shutdown(crawler: Crawler, work: Callable[[], object]) -> Callable[[], object]:
    """Have `work` done when the loop is stopped under us; gives back what takes that back."""
    if _has_reactor(crawler):
        return before_reactor_shutdown(work)
    # Scrapy then cancels every task, and nothing of ours is called but this.
    atexit.register(work)
    return lambda: atexit.unregister(work)


def _stats_of(crawler: Crawler) -> Any:
    return crawler.stats


def _warn_undeclared(item_class: type) -> None:
    logger.warning(
        "Items of %s.%s have no @snapshot declaration and no entry in SNAPSHOT_ITEMS; "
        "they pass through and are not stored (counted in snapshots/ignored)",
        item_class.__module__,
        item_class.__qualname__,
    )
