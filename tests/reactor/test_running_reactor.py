"""The writer thread under a reactor that runs: asyncio's, and Twisted's own in `reactor-select`."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import pytest_twisted

from scrapy_snapshot_pipeline.reactor.thread import (
    WorkerThread,
    before_reactor_shutdown,
    call_in_reactor,
)

pytestmark = pytest.mark.reactor


@pytest.fixture
def thread() -> Iterator[WorkerThread]:
    """A running thread that answers into the reactor."""
    made = WorkerThread(call_in_reactor())
    yield made
    made.stop()


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]
async def test_answer_comes_in_the_reactors_thread(thread: WorkerThread) -> None:
    """Work is done in another thread, and whoever waits goes on in this one."""
    here = threading.get_ident()

    worked_in = await thread.run(threading.get_ident)

    assert worked_in != here == threading.get_ident()


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]
async def test_reactor_turns_while_the_thread_works(thread: WorkerThread) -> None:
    """The work ends only because the reactor, which does not wait for it, sets the event."""
    event = threading.Event()
    working = thread.run(event.wait, 10)
    call_in_reactor()(event.set)

    assert await working


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]
async def test_error_comes_back_through_the_reactor(thread: WorkerThread) -> None:
    """It is raised where the answer is awaited."""

    def fail() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await thread.run(fail)


def test_shutdown_trigger_may_be_revoked_twice() -> None:
    """The second time there is nothing to revoke, which is no error."""
    revoke = before_reactor_shutdown(lambda: None)

    revoke()
    revoke()
