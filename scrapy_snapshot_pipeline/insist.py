"""Doing a small piece of work again when another crawler was in its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.errors import ContentionError
from scrapy_snapshot_pipeline.nap import CallLater, Nap
from scrapy_snapshot_pipeline.retry import RetryPolicy

T = TypeVar("T")


async def insist(
    work: Callable[[], Deferred[T]],
    *,
    policy: RetryPolicy,
    chance: Callable[[], float],
    call_later: CallLater,
) -> T:
    """Await `work`, again after each ContentionError as long as the policy allows.

    Raises the last ContentionError, and everything else at once.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return await work()
        except ContentionError:
            delay = policy.delay(attempt, chance())
            if delay is None:
                raise
        await Nap(call_later).sleep(delay)
