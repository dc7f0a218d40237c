"""Futures under a reactor that runs: asyncio's, and Twisted's own in `reactor-select`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest
import pytest_twisted
from scrapy.utils.asyncio import call_later
from scrapy.utils.defer import deferred_from_coro
from twisted.internet.defer import AlreadyCalledError, CancelledError, Deferred

from scrapy_snapshot_pipeline.reactor.future import Future, future_factory
from scrapy_snapshot_pipeline.reactor.timers import InterruptibleSleep

pytestmark = pytest.mark.reactor


def _future() -> Future[str]:
    return future_factory()()


async def _result(future: Awaitable[str]) -> str:
    return await future


def _waiting(future: Awaitable[str]) -> Deferred[str]:
    """A coroutine that waits as an item of Scrapy's does."""
    waiting: Deferred[str] = deferred_from_coro(_result(future))
    return waiting


async def _turn() -> None:
    await InterruptibleSleep(call_later).sleep(0)


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]
async def test_result_reaches_whoever_waits() -> None:
    """Also where it was set before anyone waited."""
    (early, set_early), (late, set_late) = _future(), _future()
    set_early("early")
    waiting = [_waiting(early), _waiting(late)]
    await _turn()
    assert not waiting[1].called

    set_late("late")

    assert [await each for each in waiting] == ["early", "late"]


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]
async def test_result_for_a_cancelled_waiter_is_harmless() -> None:
    """An item that was cancelled gets nothing, and setting its result raises nothing."""
    future, set_result = _future()
    waiting = _waiting(future)
    await _turn()
    waiting.cancel()

    set_result("a result")

    with pytest.raises((CancelledError, asyncio.CancelledError)):
        await waiting


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]
async def test_second_result_is_an_error() -> None:
    """It is a bug of the caller's, which must not go unseen."""
    future, set_result = _future()
    set_result("a result")
    with pytest.raises((asyncio.InvalidStateError, AlreadyCalledError)):
        set_result("another")
    assert await _waiting(future) == "a result"
