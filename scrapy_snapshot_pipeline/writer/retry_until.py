"""Doing a small piece of work again when the database was not to be had."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.delivery.retry import FailureTracker, Retry, RetryPolicy
from scrapy_snapshot_pipeline.errors import RetriableWriteError
from scrapy_snapshot_pipeline.reactor.timers import CallLater, InterruptibleSleep

T = TypeVar("T")


async def retry_until(
    work: Callable[[], Deferred[T]],
    *,
    policy: RetryPolicy,
    chance: Callable[[], float],
    call_later: CallLater,
    now: Callable[[], float],
) -> T:
    """Await `work`, again after each RetriableWriteError until the policy's outage timeout.

    Raises the last RetriableWriteError, and everything else at once.
    """
    failures = FailureTracker()
    while True:
        try:
            return await work()
        except RetriableWriteError as error:
            verdict = policy.decide(error, failures.failed(error, now(), 1), chance())
            if not isinstance(verdict, Retry):
                raise
        await InterruptibleSleep(call_later).sleep(verdict.delay)
