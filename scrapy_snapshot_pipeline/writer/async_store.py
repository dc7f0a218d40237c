"""The store behind its thread: each call is made there, watched, and answered by a Deferred."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import ParamSpec, TypeVar

from twisted.internet.defer import CancelledError, Deferred

from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.delivery.ports import Environment
from scrapy_snapshot_pipeline.delivery.retry import FailureTracker, Retry, RetryPolicy
from scrapy_snapshot_pipeline.errors import (
    NotStoredError,
    RefusedError,
    RetriableWriteError,
    SnapshotError,
)
from scrapy_snapshot_pipeline.reactor.thread import CallInLoop, WorkerThread
from scrapy_snapshot_pipeline.reactor.timers import CallLater, InterruptibleSleep
from scrapy_snapshot_pipeline.records import Batch, WriteResult
from scrapy_snapshot_pipeline.store.schema.runs import Run, RunEnd
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from scrapy_snapshot_pipeline.writer.open_wait import OpenWait
from scrapy_snapshot_pipeline.writer.watchdog import Watchdog

logger = logging.getLogger(__name__)

T = TypeVar("T")
P = ParamSpec("P")


class AsyncStore:
    """All that a crawl asks of the database.  Reactor thread only."""

    def __init__(
        self,
        store: SnapshotStore,
        *,
        policy: RetryPolicy,
        call_later: CallLater,
        write_timeout: float,
        open_timeout: float,
        frozen: Callable[[], object],
    ) -> None:
        """Timeouts are in seconds; `frozen` is called for each connection that had to be cut."""
        self._store = store
        self._environment = Environment(call_later, time.monotonic, random.random)
        self._frozen = frozen
        self._policy = replace(policy, outage_timeout=open_timeout)
        self._watchdog = Watchdog(call_later, write_timeout, self._cut_frozen, store.idle)
        self._thread: WorkerThread | None = None
        self._late: set[Deferred[None]] = set()
        """Attempts to create tables in the middle of the crawl."""
        self._closing = False
        self._reached = False
        """Whether the database has done something for us."""

    @property
    def address(self) -> str:
        """Where the database is, in words without a secret."""
        return self._store.address

    def open(self, call_in_loop: CallInLoop) -> None:
        """Start the thread."""
        self._thread = WorkerThread(call_in_loop)

    def write(self, batch: Batch) -> Deferred[WriteResult]:
        """Store a batch once; see `SnapshotStore.write`."""
        return self._run(self._store.write, batch)

    async def declare(self, declarations: Iterable[Declaration]) -> None:
        """Create or check the tables; waits up to the open timeout for a database that is away.

        It does not wait at the start where that cannot help, as for a wrong password.
        """
        wanted = list(declarations)
        await self._open(lambda: self._run(self._store.declare, wanted))

    async def declare_late(self, declarations: Iterable[Declaration]) -> None:
        """The same in the middle of a crawl, tried once.

        Where the database is away, or the crawl is closing, the tables are left to the first batch
        that needs them, so that its records wait as all others do.
        """
        wanted = list(declarations)
        if self._closing:
            self._store.expect(wanted)
            return
        trying = self._run(self._store.declare, wanted)
        self._late.add(trying)
        try:
            await trying
        except (CancelledError, RetriableWriteError):
            self._store.expect(wanted)
        finally:
            self._late.discard(trying)

    def stop_waiting(self) -> None:
        """The crawl is closing: no item may wait for its tables any more, but only in the queue."""
        self._closing = True
        for trying in tuple(self._late):
            trying.cancel()

    async def start_run(self, run: Run) -> None:
        """Write the run's row; waits like `declare`."""
        await self._open(lambda: self._run(self._store.start_run, run))

    async def finish_run(self, end: RunEnd, seconds: float) -> None:
        """Complete the run's row; after `seconds` at most, log that it could not be done."""
        policy = replace(self._policy, outage_timeout=seconds)
        finishing = Deferred.fromCoroutine(
            retry_until(
                lambda: self._run(self._store.finish_run, end),
                policy=policy,
                environment=self._environment,
            )
        )
        timer = self._environment.call_later(seconds, finishing.cancel)
        try:
            await finishing
        except (CancelledError, SnapshotError) as error:
            self.cut()
            logger.error(  # noqa: TRY400 - a traceback may quote values
                "The row of this run in snapshot_runs could not be completed and says that the "
                "crawl is still running (%s)",
                error if isinstance(error, SnapshotError) else f"no answer in {seconds:g} s",
            )
        timer.cancel()

    def finish_run_blocking(self, end: RunEnd, seconds: float) -> None:
        """Complete the run's row once; for where no loop is left, and blocks up to `seconds`."""
        if self._thread is not None:
            self._thread.run_blocking(seconds, self._store.finish_run, end)

    def cut(self) -> None:
        """Make the call that is under way fail at once."""
        self._store.cut()

    def release(self) -> None:
        """Close the connection and end the thread; idempotent."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.run(self._store.close).addErrback(lambda _: None)
            thread.stop()

    def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        if self._thread is None:
            raise NotStoredError("the snapshot pipeline is not open")
        return self._watchdog.watch(self._thread.run(work, *args, **kwargs))

    async def _open(self, work: Callable[[], Deferred[None]]) -> None:
        seconds = self._policy.outage_timeout
        wait = OpenWait(self._environment, self._store.address, seconds, self._store.idle)

        def failed(error: RetriableWriteError) -> None:
            if isinstance(error, RefusedError) and not self._reached:
                raise error
            wait.failed(error)

        came = False
        try:
            await retry_until(
                work, policy=self._policy, environment=self._environment, failed=failed
            )
            came = self._reached = True
        finally:
            wait.end(came=came)

    def _cut_frozen(self) -> None:
        logger.error(
            "The database has not answered within SNAPSHOT_WRITE_TIMEOUT; its connection is cut"
        )
        self._frozen()
        self.cut()


async def retry_until(
    work: Callable[[], Deferred[T]],
    *,
    policy: RetryPolicy,
    environment: Environment,
    failed: Callable[[RetriableWriteError], object] = lambda _: None,
) -> T:
    """Await `work`, again after each RetriableWriteError until the policy's outage timeout.

    Raises the last RetriableWriteError, and every other exception at once.  `failed` is called
    before each further attempt, with the error of the last; what it raises ends them.
    """
    failures = FailureTracker()
    while True:
        try:
            return await work()
        except RetriableWriteError as error:
            state = failures.failed(error, environment.now(), records=1)
            verdict = policy.decide(error, state, environment.chance())
            if not isinstance(verdict, Retry):
                raise
            failed(error)
        await InterruptibleSleep(environment.call_later).sleep(verdict.delay)
