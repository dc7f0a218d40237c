"""Every exception of the package; its class says whose fault it is, and whether a retry may help.

A message names the class, the field, the setting or the table, and says what is wrong and what to
do about it.  It never shows a scraped value or a secret.
"""

from __future__ import annotations

from dataclasses import dataclass


class SnapshotError(Exception):
    """The base of every exception that this package raises on purpose."""


class ConfigurationError(SnapshotError):
    """The user's settings or declarations are wrong; raised at the start, if known by then."""


class SettingsError(ConfigurationError):
    """A ``SNAPSHOT_*`` setting is unknown, of the wrong type or out of range."""


class DeclarationError(ConfigurationError):
    """A ``@snapshot`` or ``SNAPSHOT_ITEMS`` declaration cannot become a table."""


class SchemaMismatchError(ConfigurationError):
    """A table in the database does not have the columns that its declaration asks for."""


class CaptureError(SnapshotError):
    """An item cannot become a record; the item is rejected, and the crawl goes on."""


class QueueClosedError(SnapshotError):
    """A record arrived after the queue was closed."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What may be shown of a driver's error: names and codes, never its text or a value."""

    driver_class: str = ""
    """The class of the driver's exception, with its module; empty if the error is our own."""
    code: str = ""
    """The SQLSTATE, or the name or number of the SQLite code."""
    table: str = ""
    column: str = ""
    constraint: str = ""

    def __str__(self) -> str:
        named = ("table", "column", "constraint")
        parts = [f"{name} {getattr(self, name)}" for name in named if getattr(self, name)]
        return ", ".join(part for part in (self.driver_class, self.code, *parts) if part)


NO_CAUSE = Cause()


class WriteError(SnapshotError):
    """A batch could not be written; the subclass says whether to try again."""

    def __init__(self, text: str = "", cause: Cause = NO_CAUSE) -> None:
        super().__init__(text)
        self.cause = cause


class RetriableWriteError(WriteError):
    """The same batch may succeed later: contention, an outage, a commit without an answer."""


class ContentionError(RetriableWriteError):
    """Another writer was in the way; the same transaction may succeed if repeated at once."""


class ConflictError(ContentionError):
    """A unique key or name is taken: by another writer a moment ago, or for good."""


class UnknownShapeError(ContentionError):
    """A stored row is of a class that was changed since the tables were looked at last."""


class OutageError(RetriableWriteError):
    """The database could not be reached, or did not accept writes; it may be sound otherwise."""


class RefusedError(OutageError):
    """Nobody is let in, as for a wrong password; a crawl does not begin to wait for that."""


class AmbiguousCommitError(OutageError):
    """The answer to COMMIT was lost: the batch may be stored, so it is sent again with its ids."""


class TooSlowError(WriteError):
    """The server cancelled a statement that ran too long; a smaller batch may be fast enough."""


class PermanentWriteError(WriteError):
    """The same batch will fail again however often it is sent."""


class BadDataError(PermanentWriteError):
    """The database refuses one of the records; the others can be stored without it."""


class SystemicError(WriteError):
    """No record can be stored for now: the schema, a permission or the disk is in the way."""


class FatalWriteError(PermanentWriteError):
    """The database is damaged, or has been replaced; nothing more may be written to it."""


class AbandonedError(WriteError):
    """The record was given up before its outcome was known: at close, or at a forced stop."""


class DeadLetterError(SnapshotError):
    """A dead letter cannot be written or read; the text names the file and the cure."""


class NotStoredError(SnapshotError):
    """An item was accepted but not stored; Scrapy counts it as an item error."""


class HistoryError(SnapshotError):
    """The history cannot answer a question: there is no such database, table, field or time."""


class NoSuchEntityError(HistoryError):
    """No entity has this key; the text shows the caller's own key, and keys like it."""


class NoSuchFieldError(HistoryError):
    """Nothing that is stored has a number in this field; the text shows what is there instead."""
