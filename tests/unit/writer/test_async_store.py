"""What needs no thread; `tests/crawl` and `tests/faults` cover the store behind its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.delivery.ports import Environment
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.errors import (
    ContentionError,
    OutageError,
    RefusedError,
    SystemicError,
    WriteError,
)
from scrapy_snapshot_pipeline.writer.async_store import AsyncStore, retry_until
from tests.unit.fakes import ManualClock


class Work:
    """Fails with each of its errors in turn, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.calls = 0

    def __call__(self) -> Deferred[str]:
        """Do it once."""
        self.calls += 1
        return fail(self._errors.pop(0)) if self._errors else succeed("done")


@pytest.fixture
def clock() -> ManualClock:
    """Make a clock that the test turns."""
    return ManualClock()


def retrying(work: Work, clock: ManualClock) -> Deferred[str]:
    """Begin, with the whole of each sleep."""
    return Deferred.fromCoroutine(
        retry_until(
            work,
            policy=RetryPolicy(outage_timeout=7.0),
            environment=Environment(clock.call_later, lambda: clock.now, lambda: 1.0),
        )
    )


def error_of(done: Deferred[str]) -> BaseException | None:
    """What it failed with."""
    failures: list[Failure] = []
    done.addErrback(failures.append)
    return failures[0].value


def test_success_is_not_repeated(clock: ManualClock) -> None:
    """Work that succeeds is done once."""
    work = Work()
    assert retrying(work, clock).result == "done"
    assert work.calls == 1


def test_an_outage_is_waited_for(clock: ManualClock) -> None:
    """The sleeps are those of the policy, one and two seconds."""
    work = Work(OutageError(), OutageError())
    done = retrying(work, clock)
    clock.advance(0.9)
    assert work.calls == 1
    clock.advance(0.1)
    assert work.calls == 2
    clock.advance(2)
    assert done.result == "done"


def test_contention_is_tried_again_soon(clock: ManualClock) -> None:
    """Another crawler creates the same tables: that takes milliseconds."""
    work = Work(ContentionError())
    done = retrying(work, clock)
    clock.advance(0.02)
    assert done.result == "done"


def test_an_outage_that_does_not_end_is_raised(clock: ManualClock) -> None:
    """After the last attempt, at the deadline, its error is the answer."""
    done = retrying(Work(*[OutageError() for _ in range(5)]), clock)
    clock.advance(6.9)
    assert not done.called
    clock.advance(0.1)
    assert isinstance(error_of(done), OutageError)


@pytest.mark.parametrize("error", [SystemicError(), WriteError(), ValueError()])
def test_other_errors_are_raised_at_once(clock: ManualClock, error: Exception) -> None:
    """Waiting would not help where the database refuses us."""
    work = Work(error)
    assert error_of(retrying(work, clock)) is error
    assert work.calls == 1


def test_what_is_called_before_a_retry_may_end_the_attempts(clock: ManualClock) -> None:
    """As at a start that waiting cannot help; it is not called where no attempt follows."""
    seen: list[Exception] = []

    def failed(error: Exception) -> None:
        seen.append(error)
        if isinstance(error, RefusedError):
            raise error

    errors = [OutageError(), RefusedError()]
    work = Work(*errors, OutageError())
    done = Deferred.fromCoroutine(
        retry_until(
            work,
            policy=RetryPolicy(outage_timeout=7.0),
            environment=Environment(clock.call_later, lambda: clock.now, lambda: 1.0),
            failed=failed,
        )
    )
    clock.advance(1)
    assert error_of(done) is errors[1]
    assert (work.calls, seen) == (2, errors)


@snapshot(key="sku")
@dataclass
class Late:
    """Is declared in the middle of the crawl."""

    sku: str


def late() -> Declaration:
    """Its declaration."""
    found = Declarations().of(Late)
    assert found is not None
    return found


class SteppedStore:
    """A store and its thread in one: a call is answered when the test says so."""

    def __init__(self) -> None:
        self.expected: list[Declaration] = []
        self.asked: list[Deferred[None]] = []

    def run(self, work: Callable[..., object], *args: object) -> Deferred[None]:
        """As `WorkerThread.run`."""
        work(*args)
        self.asked.append(Deferred())
        return self.asked[-1]

    def declare(self, declarations: Iterable[Declaration]) -> None:
        """Do nothing yet."""

    def expect(self, declarations: Iterable[Declaration]) -> None:
        """Take a note."""
        self.expected += declarations

    def idle(self) -> float:
        """Since when there is no answer."""
        return 0.0


@pytest.fixture
def stepped() -> SteppedStore:
    """Make a store that has not answered yet."""
    return SteppedStore()


@pytest.fixture
def store(stepped: SteppedStore, clock: ManualClock) -> AsyncStore:
    """Make the thing under test, open, upon it."""
    made = AsyncStore(
        cast("Any", stepped),
        policy=RetryPolicy(),
        call_later=clock.call_later,
        write_timeout=30.0,
        open_timeout=30.0,
        frozen=lambda: None,
    )
    made._thread = cast("Any", stepped)
    return made


def declaring_late(store: AsyncStore) -> Deferred[None]:
    """Do what the first item of a late class does."""
    return Deferred.fromCoroutine(store.declare_late([late()]))


def test_tables_of_a_late_class_are_created_at_once(
    store: AsyncStore, stepped: SteppedStore
) -> None:
    """Its first item waits for that; nothing is left to the batch."""
    ends: list[object] = []
    declaring_late(store).addCallback(ends.append)
    assert ends == []
    stepped.asked[0].callback(None)
    assert ends == [None]
    assert stepped.expected == []


@pytest.mark.parametrize("error", [OutageError("away"), ContentionError("locked")])
def test_tables_that_cannot_be_had_now_are_left_to_the_batch(
    store: AsyncStore, stepped: SteppedStore, error: Exception
) -> None:
    """So that the items of the class wait as all others do, and no longer."""
    waiting = declaring_late(store)
    stepped.asked[0].errback(error)
    assert waiting.called
    assert stepped.expected == [late()]
    assert len(stepped.asked) == 1


def test_tables_that_are_refused_are_an_error(store: AsyncStore, stepped: SteppedStore) -> None:
    """No batch could create them either."""
    waiting = cast("Deferred[str]", declaring_late(store))
    stepped.asked[0].errback(SystemicError("no right"))
    assert isinstance(error_of(waiting), SystemicError)
    assert stepped.expected == []


def test_no_item_waits_for_its_tables_while_the_crawl_closes(
    store: AsyncStore, stepped: SteppedStore, clock: ManualClock
) -> None:
    """The time for closing is that of the delivery, which knows only its own records."""
    before = declaring_late(store)
    store.stop_waiting()
    after = declaring_late(store)
    assert before.called
    assert after.called
    assert stepped.expected == [late()] * 2
    assert len(stepped.asked) == 1
    stepped.asked[0].callback(None)
    assert clock.calls == []
