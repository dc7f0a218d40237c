from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.errors import PermanentWriteError, RetriableWriteError
from scrapy_snapshot_pipeline.retry import RetryPolicy, is_retriable


def test_default_sleeps_at_most_one_two_four_seconds() -> None:
    """All three retries of the default are taken, with doubled ceilings, and no fourth."""
    delays = [RetryPolicy().delay(attempt, chance=1.0) for attempt in (1, 2, 3, 4)]
    assert delays == [1.0, 2.0, 4.0, None]


def test_zero_times_never_retries() -> None:
    """With times=0 the first failure is the last word."""
    assert RetryPolicy(times=0).delay(1, chance=0.5) is None


def test_no_sleep_is_longer_than_the_maximum() -> None:
    """Doubling stops at `backoff_max`, also where a float would overflow."""
    policy = RetryPolicy(times=10_000, backoff=1.0, backoff_max=15.0)
    assert policy.delay(5, chance=1.0) == 15.0
    assert policy.delay(10_000, chance=1.0) == 15.0


@given(
    attempt=st.integers(1, 3), chance=st.floats(0, 1), backoff=st.floats(0, 100, allow_nan=False)
)
def test_jitter_is_full(attempt: int, chance: float, backoff: float) -> None:
    """A sleep is the given share of its ceiling, from nothing to all of it."""
    policy = RetryPolicy(times=3, backoff=backoff, backoff_max=15.0)
    assert policy.delay(attempt, chance) == chance * policy.ceiling(attempt)
    assert policy.delay(attempt, 0.0) == 0.0
    assert policy.ceiling(attempt) <= 15.0


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RetriableWriteError("lock timeout"), True),
        (RuntimeError("nobody classified me"), True),
        (PermanentWriteError("no such column"), False),
        (asyncio.CancelledError(), False),
        (SystemExit(1), False),
    ],
)
def test_what_is_worth_another_try(error: BaseException, expected: bool) -> None:
    """Everything may succeed later but what says it will not, and what is no error at all."""
    assert is_retriable(error) is expected
