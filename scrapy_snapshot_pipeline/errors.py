"""Every exception of the package, by whose fault it is and who may retry it.

No message carries a scraped value or a secret: it names the class, the field, the setting or
the table, says what is wrong, and what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass


class SnapshotError(Exception):
    """Base of every exception that this package raises on purpose."""


class ConfigurationError(SnapshotError):
    """The user's settings or declarations are wrong; raised at start, never mid-crawl."""


class SettingsError(ConfigurationError):
    """A ``SNAPSHOT_*`` setting is unknown, of the wrong type or out of range."""


class DeclarationError(ConfigurationError):
    """A ``@snapshot`` or ``SNAPSHOT_ITEMS`` declaration cannot become a table."""


class SchemaMismatchError(ConfigurationError):
    """A table in the database has other columns than the declaration says."""


class CaptureError(SnapshotError):
    """An item cannot become a record; that item is rejected and the crawl goes on."""


class QueueClosedError(SnapshotError):
    """A record came after the queue was closed."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What the driver said, as far as it may be shown: names and codes, never a text or a value."""

    driver_class: str = ""
    """With its module; empty where the error is our own."""
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
    """A batch could not be written; the subclass says who may try again."""

    def __init__(self, text: str = "", cause: Cause = NO_CAUSE) -> None:
        super().__init__(text)
        self.cause = cause


class RetriableWriteError(WriteError):
    """The same batch may succeed later: contention, an outage, a commit without an answer."""


class ContentionError(RetriableWriteError):
    """Another writer was faster; the whole transaction may succeed at once."""


class ConflictError(ContentionError):
    """A unique key or name was taken: by another writer just now, or else for good."""


class OutageError(RetriableWriteError):
    """The database was not to be had, or not for writing; nothing is known to be wrong with it."""


class AmbiguousCommitError(OutageError):
    """The answer to COMMIT was lost: the batch may be stored, so it is sent again with its ids."""


class TooSlowError(WriteError):
    """The server cancelled the statement after its time; a smaller batch may be in time."""


class PermanentWriteError(WriteError):
    """The same batch will fail again however often it is sent."""


class BadDataError(PermanentWriteError):
    """The database refuses one of the records; the others may be stored without it."""


class SystemicError(WriteError):
    """No record can be stored: the schema, a permission, the disk; gone soon, or not by itself."""


class FatalWriteError(PermanentWriteError):
    """The database itself is damaged or is another one; nothing more may be written to it."""


class AbandonedError(WriteError):
    """Delivery gave the record up before its last word: out of time at close, or a forced stop."""


class DeadLetterError(SnapshotError):
    """A dead letter can be neither written nor read; the text names the file and the cure."""


class NotStoredError(SnapshotError):
    """An item was accepted and not stored; Scrapy counts it as an item error."""


class HistoryError(SnapshotError):
    """A question that the history cannot answer: no such database, table, field, time."""


class NoSuchEntityError(HistoryError):
    """No entity has this key; the text shows the caller's own key and the similar ones."""
