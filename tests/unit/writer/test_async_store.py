"""`retry_until` alone; `tests/crawl` and `tests/faults` cover the store behind its thread."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from scrapy_snapshot_pipeline.delivery.ports import Environment
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.errors import (
    ContentionError,
    OutageError,
    RefusedError,
    SystemicError,
    WriteError,
)
from scrapy_snapshot_pipeline.writer.async_store import retry_until
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
