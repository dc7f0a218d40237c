"""What the classes of errors promise to those who catch them."""

from __future__ import annotations

import inspect

import pytest

from scrapy_snapshot_pipeline import errors
from scrapy_snapshot_pipeline.errors import NO_CAUSE, Cause, WriteError

CLASSES = [each for _, each in inspect.getmembers(errors, inspect.isclass) if each is not Cause]


@pytest.mark.parametrize("error", [e for e in CLASSES if issubclass(e, BaseException)])
def test_every_error_is_caught_as_ours(error: type[BaseException]) -> None:
    """By the one base class."""
    assert issubclass(error, errors.SnapshotError)


def test_the_user_can_tell_wrong_settings_from_a_failed_write() -> None:
    """The one is to be corrected, the other may pass."""
    wrong = (errors.SettingsError, errors.DeclarationError, errors.SchemaMismatchError)
    assert all(issubclass(error, errors.ConfigurationError) for error in wrong)
    assert not any(issubclass(error, WriteError) for error in wrong)


@pytest.mark.parametrize(
    ("error", "retriable", "permanent"),
    [
        (errors.ContentionError, True, False),
        (errors.ConflictError, True, False),
        (errors.OutageError, True, False),
        (errors.AmbiguousCommitError, True, False),
        (errors.BadDataError, False, True),
        (errors.FatalWriteError, False, True),
        (errors.TooSlowError, False, False),
        (errors.SystemicError, False, False),
        (errors.AbandonedError, False, False),
    ],
)
def test_the_class_of_a_write_error_says_whether_to_retry(
    error: type[WriteError], *, retriable: bool, permanent: bool
) -> None:
    """Delivery decides by these classes."""
    assert issubclass(error, errors.RetriableWriteError) is retriable
    assert issubclass(error, errors.PermanentWriteError) is permanent


def test_a_lost_answer_to_commit_is_an_outage() -> None:
    """And not contention, which is repeated at once."""
    assert issubclass(errors.AmbiguousCommitError, errors.OutageError)
    assert not issubclass(errors.OutageError, errors.ContentionError)


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (NO_CAUSE, ""),
        (Cause("psycopg2.errors.NotNullViolation"), "psycopg2.errors.NotNullViolation"),
        (Cause("x.Error", "23505", "book", "url", "book_pk"),
         "x.Error, 23505, table book, column url, constraint book_pk"),
        (Cause(code="SQLITE_FULL", constraint="book_pk"), "SQLITE_FULL, constraint book_pk"),
    ],
)  # fmt: skip
def test_a_cause_is_shown_by_what_is_known_of_it(cause: Cause, text: str) -> None:
    """Its parts in a fixed order."""
    assert str(cause) == text


def test_a_write_error_carries_its_cause() -> None:
    """Beside its text."""
    cause = Cause("x.Error", "23505")
    error = errors.BadDataError("refused", cause)
    assert (str(error), error.cause) == ("refused", cause)
    assert errors.BadDataError("refused").cause is NO_CAUSE
