"""Every exception of the package, by whose fault it is and who may retry it.

No message carries a scraped value or a secret: it names the class, the field, the setting or
the table, says what is wrong, and what to do about it.
"""

from __future__ import annotations


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


class WriteError(SnapshotError):
    """A batch could not be written; the subclass says who may try again."""


class RetriableWriteError(WriteError):
    """The same batch may succeed later: contention, an outage, a commit without an answer."""


class ContentionError(RetriableWriteError):
    """Another writer was faster; the whole transaction may succeed at once."""


class PermanentWriteError(WriteError):
    """The same batch will fail again however often it is sent."""


class AbandonedError(WriteError):
    """Delivery gave the record up before its last word: out of time at close, or a forced stop."""


class NotStoredError(SnapshotError):
    """An item was accepted and not stored; Scrapy counts it as an item error."""
