"""The hop into the writer thread and back, with a loop that the test turns by hand."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from scrapy_snapshot_pipeline.reactor.thread import WorkerThread


class Loop:
    """Holds the calls that the thread asks for, until the test makes them."""

    def __init__(self) -> None:
        self.closed = False
        self._calls: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()

    def call(self, func: Callable[[], object]) -> None:
        """Called in the writer thread."""
        if self.closed:
            raise RuntimeError("the loop is closed")
        self._calls.put(func)

    def turn(self) -> None:
        """Wait for one call, and make it here."""
        self._calls.get(timeout=10)()


@pytest.fixture
def loop() -> Loop:
    """A loop that nobody runs."""
    return Loop()


@pytest.fixture
def thread(loop: Loop) -> Iterator[WorkerThread]:
    """A running thread."""
    made = WorkerThread(loop.call)
    yield made
    made.stop()


def test_work_is_done_elsewhere_and_answered_here(thread: WorkerThread, loop: Loop) -> None:
    """The Deferred fires in the thread that turns the loop."""
    answer = thread.run(threading.get_ident)
    fired: list[tuple[int, int]] = []
    answer.addCallback(lambda worked_in: fired.append((worked_in, threading.get_ident())))

    loop.turn()

    ((worked_in, answered_in),) = fired
    assert answered_in == threading.get_ident() != worked_in


def test_calls_are_made_one_after_the_other(thread: WorkerThread, loop: Loop) -> None:
    """One thread, in the order of the calls."""
    done: list[int] = []
    for number in range(5):
        thread.run(done.append, number)

    for _ in range(5):
        loop.turn()

    assert done == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("error", [OSError("gone"), SystemExit("asked")], ids=type)
def test_whatever_work_raises_comes_back(
    thread: WorkerThread, loop: Loop, error: BaseException
) -> None:
    """Whoever waits gets the error, also that of an exit, and the thread lives on."""

    def fail() -> None:
        raise error

    caught: list[BaseException | None] = []

    def catch(failure: Failure) -> None:
        caught.append(failure.value)

    thread.run(fail).addErrback(catch)
    loop.turn()
    again: Deferred[int] = thread.run(lambda: 7)
    loop.turn()

    assert caught == [error]
    assert again.result == 7


def test_answer_to_a_closed_loop_ends_nothing(thread: WorkerThread, loop: Loop) -> None:
    """The thread goes on although nobody can get the answer any more."""
    loop.closed = True
    thread.run(lambda: None)
    worked = threading.Event()
    thread.run(worked.set)

    assert worked.wait(10)


def test_hung_work_does_not_hold_the_stop(loop: Loop) -> None:
    """The thread is left behind; as a daemon it cannot keep the process alive."""
    blocker = threading.Event()
    thread = WorkerThread(loop.call)
    thread.run(blocker.wait)

    thread.stop()

    (hung,) = (one for one in threading.enumerate() if one.name.startswith("PoolThread-snapshot"))
    assert hung.daemon
    blocker.set()
    hung.join(10)
