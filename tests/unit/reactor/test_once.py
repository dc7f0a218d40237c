"""Work that is done once and awaited by many."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.reactor.once import Once


class Work:
    """A coroutine that waits for a Deferred and counts how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.blocker: Deferred[None] = Deferred()

    async def __call__(self) -> None:
        """Begin, wait, end."""
        self.begun += 1
        await self.blocker


def test_work_begins_with_the_first_who_waits() -> None:
    """It does not begin before, and does not begin again with a second waiter."""
    work = Work()
    shared = Once(work)
    assert work.begun == 0

    shared.wait()
    shared.wait()

    assert work.begun == 1


def test_everyone_hears_of_the_end() -> None:
    """Those who waited, and those who ask later."""
    work = Work()
    shared = Once(work)
    waiters = [shared.wait(), shared.wait()]
    assert not any(waiter.called for waiter in waiters)

    work.blocker.callback(None)

    assert all(waiter.called for waiter in [*waiters, shared.wait()])


def test_everyone_hears_of_the_failure() -> None:
    """Not only the first waiter."""
    work = Work()
    shared = Once(work)
    first = shared.wait()
    work.blocker.errback(OSError("gone"))
    heard: list[Any] = []

    for waiter in (first, shared.wait()):
        waiter.addErrback(heard.append)

    assert [failure.type for failure in heard] == [OSError, OSError]


def test_work_goes_on_without_the_one_who_began_it() -> None:
    """A waiter that is cancelled takes nothing with it."""
    work = Work()
    shared = Once(work)
    first = shared.wait()
    first.addErrback(lambda _: None)
    first.cancel()
    other = shared.wait()

    work.blocker.callback(None)

    assert other.called


@pytest.mark.parametrize("waiters", [1, 3])
def test_a_waiter_may_ask_again_from_its_own_callback(waiters: int) -> None:
    """Whoever asks while the others are being fired hears of the end too."""
    work = Work()
    shared = Once(work)
    again: list[Deferred[None]] = []
    for _ in range(waiters):
        shared.wait().addCallback(lambda _: again.append(shared.wait()))

    work.blocker.callback(None)

    assert [deferred.called for deferred in again] == [True] * waiters
