"""Promises under a reactor that runs: asyncio's, and Twisted's own in `reactor-select`."""

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


def _promise() -> Future[str]:
    return future_factory()()


async def _word(promise: Awaitable[str]) -> str:
    return await promise


def _waiting(promise: Awaitable[str]) -> Deferred[str]:
    """A coroutine that waits as an item of Scrapy's does."""
    waiting: Deferred[str] = deferred_from_coro(_word(promise))
    return waiting


async def _turn() -> None:
    await InterruptibleSleep(call_later).sleep(0)


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]
async def test_word_reaches_whoever_waits() -> None:
    """Also where it came before anyone waited."""
    (early, keep_early), (late, keep_late) = _promise(), _promise()
    keep_early("early")
    waiting = [_waiting(early), _waiting(late)]
    await _turn()
    assert not waiting[1].called

    keep_late("late")

    assert [await each for each in waiting] == ["early", "late"]


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]
async def test_word_for_someone_who_left_harms_nothing() -> None:
    """An item that was cancelled hears nothing, and keeping its promise raises nothing."""
    promise, keep = _promise()
    waiting = _waiting(promise)
    await _turn()
    waiting.cancel()

    keep("a word")

    with pytest.raises((CancelledError, asyncio.CancelledError)):
        await waiting


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]
async def test_second_word_is_an_error() -> None:
    """Whoever gives it has a fault, which must not go unseen."""
    promise, keep = _promise()
    keep("a word")
    with pytest.raises((asyncio.InvalidStateError, AlreadyCalledError)):
        keep("another")
    assert await _waiting(promise) == "a word"
