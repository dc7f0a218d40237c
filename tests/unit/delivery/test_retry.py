from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.delivery.retry import (
    FailureState,
    FailureTracker,
    OutageTooLong,
    Reject,
    Retry,
    RetryPolicy,
    Split,
    Stop,
    Verdict,
)
from scrapy_snapshot_pipeline.errors import (
    AmbiguousCommitError,
    BadDataError,
    ConflictError,
    ContentionError,
    FatalWriteError,
    OutageError,
    SystemicError,
    TooSlowError,
    WriteError,
)
from scrapy_snapshot_pipeline.settings import SnapshotSettings


def decided(policy: RetryPolicy, failures: int, chance: float = 1.0) -> Verdict:
    """What the policy says after this many answers that nothing can be stored."""
    return policy.decide(SystemicError(), FailureState(failures, 0.0, 5), chance)


def test_default_sleeps_at_most_one_two_four_seconds() -> None:
    """All three retries of the default are taken, each after twice the sleep, and no fourth."""
    verdicts = [decided(RetryPolicy(), failures) for failures in (1, 2, 3, 4)]
    assert verdicts == [Retry(1.0), Retry(2.0), Retry(4.0), Stop()]


def test_the_policy_is_that_of_the_settings() -> None:
    """Each has its own."""
    settings = SnapshotSettings(
        retry_times=5, retry_backoff=0.5, retry_backoff_max=9.0, outage_timeout=70.0
    )
    assert RetryPolicy.from_settings(settings) == RetryPolicy(
        times=5, backoff=0.5, backoff_max=9.0, outage_timeout=70.0
    )


def test_zero_times_never_retries() -> None:
    """With times=0 the first failure is the last."""
    assert decided(RetryPolicy(times=0), 1) == Stop()


def test_no_sleep_is_longer_than_the_maximum() -> None:
    """Doubling stops at `backoff_max`, also where a float would overflow."""
    policy = RetryPolicy(times=10_000, backoff=1.0, backoff_max=15.0)
    assert decided(policy, 5) == Retry(15.0)
    assert decided(policy, 10_000) == Retry(15.0)


@given(
    failures=st.integers(1, 3), chance=st.floats(0, 1), backoff=st.floats(0, 100, allow_nan=False)
)
def test_jitter_is_full(failures: int, chance: float, backoff: float) -> None:
    """A sleep is the given share of the longest one, from nothing to all of it."""
    policy = RetryPolicy(times=3, backoff=backoff, backoff_max=15.0)
    longest = min(15.0, backoff * 2 ** (failures - 1))
    assert decided(policy, failures, chance) == Retry(chance * longest)


@pytest.mark.parametrize(
    ("error", "failures", "records", "expected"),
    [
        (ContentionError(), 1, 5, Retry(0.02)),
        (ContentionError(), 50, 5, Retry(1.0)),
        (ConflictError(), 3, 5, Retry(0.08)),
        (ConflictError(), 4, 5, Split()),
        (ConflictError(), 4, 1, Reject()),
        (OutageError(), 1, 5, Retry(1.0)),
        (OutageError(), 50, 5, Retry(15.0)),
        (AmbiguousCommitError(), 2, 5, Retry(2.0)),
        (TooSlowError(), 1, 5, Split()),
        (TooSlowError(), 3, 1, Retry(4.0)),
        (TooSlowError(), 4, 1, Reject()),
        (SystemicError(), 3, 5, Retry(4.0)),
        (SystemicError(), 4, 5, Stop()),
        (BadDataError(), 1, 5, Split()),
        (BadDataError(), 1, 1, Reject()),
        (FatalWriteError(), 1, 5, Stop()),
        (KeyError("a bug"), 1, 5, Split()),
        (KeyError("a bug"), 1, 1, Reject()),
        (asyncio.CancelledError(), 1, 5, Stop()),
        (SystemExit(1), 1, 1, Stop()),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_what_each_error_leads_to(
    error: BaseException, failures: int, records: int, expected: Verdict
) -> None:
    """The class of an error decides whether to try again, how soon and how often."""
    assert RetryPolicy().decide(error, FailureState(failures, 0.0, records), 1.0) == expected


@pytest.mark.parametrize("error", [OutageError(), ContentionError(), AmbiguousCommitError()])
def test_the_last_attempt_of_an_outage_is_made_at_the_deadline(error: WriteError) -> None:
    """No sleep goes beyond the deadline, and nothing is tried after it."""
    policy = RetryPolicy(outage_timeout=10.0)
    assert policy.decide(error, FailureState(9, 9.5, 1), 1.0) == Retry(0.5)
    assert policy.decide(error, FailureState(9, 10.0, 1), 1.0) == OutageTooLong()


def test_failures_of_one_kind_are_counted_in_a_row() -> None:
    """Another kind begins at one, but the outage goes on since the first of them."""
    tracker = FailureTracker()
    assert tracker.failed(OutageError(), 100.0, 3) == FailureState(1, 0.0, 3)
    assert tracker.failed(OutageError(), 101.0, 3) == FailureState(2, 1.0, 3)
    assert tracker.failed(ContentionError(), 103.0, 3) == FailureState(1, 3.0, 3)


def test_a_server_that_answers_is_no_outage() -> None:
    """What it refuses is counted, and takes no time."""
    tracker = FailureTracker()
    assert tracker.failed(SystemicError(), 100.0, 3) == FailureState(1, 0.0, 3)
    assert tracker.failed(SystemicError(), 107.0, 2) == FailureState(2, 0.0, 2)


def test_an_outage_lasts_from_its_first_failure_to_an_answer() -> None:
    """Whether there is one is known at any time, also after a part has got new attempts."""
    tracker = FailureTracker()
    found = [tracker.in_outage]
    tracker.failed(OutageError(), 100.0, 3)
    tracker.reset_failures()
    found.append(tracker.in_outage)
    tracker.failed(BadDataError(), 101.0, 3)
    found.append(tracker.in_outage)
    tracker.failed(OutageError(), 102.0, 3)
    tracker.stored()
    found.append(tracker.in_outage)
    assert found == [False, True, False, False]


def test_a_server_that_answers_ends_the_outage() -> None:
    """It does so with a commit, or when it refuses the data."""
    tracker = FailureTracker()
    tracker.failed(OutageError(), 100.0, 3)
    tracker.failed(BadDataError(), 101.0, 3)
    assert tracker.failed(OutageError(), 200.0, 3).elapsed == 0.0
    tracker.stored()
    assert tracker.failed(OutageError(), 300.0, 3) == FailureState(1, 0.0, 3)
