"""What each type of setting accepts, and what it calls that."""

from __future__ import annotations

import math
import zoneinfo
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.setting_types import (
    DatabaseUrl,
    Flag,
    Folder,
    Items,
    OneOf,
    Seconds,
    SettingType,
    Whole,
    Zone,
)

URL = "postgresql+psycopg2://me:hunter2@host/db"
BOOK = {"table": "book", "key": "url"}
WORDS = OneOf(("commit", "enqueue"))


@pytest.mark.parametrize(
    ("kind", "given", "parsed"),
    [
        (Flag(), True, True),
        (Flag(), 0, False),
        (Flag(), "False", False),
        (Flag(), "1", True),
        (Whole(1, 9), 1, 1),
        (Whole(1, 9), "9", 9),
        (Seconds(0, 10), 0, 0.0),
        (Seconds(0, 10), "0.25", 0.25),
        (Seconds(0, 10), 10.0, 10.0),
        (WORDS, "enqueue", "enqueue"),
        (DatabaseUrl(), URL, URL),
        (DatabaseUrl(), f"{URL}?sslkey=k&passfile=p", f"{URL}?sslkey=k&passfile=p"),
        (Folder(), None, None),
        (Folder(), "letters", "letters"),
        (Folder(), Path("/var/letters"), "/var/letters"),
        (Items(), {dict: BOOK}, {dict: BOOK}),
        (Items(), '{"dict": {"table": "book", "key": "url"}}', {"dict": BOOK}),
        (Zone(), None, None),
        (Zone(), "Europe/London", zoneinfo.ZoneInfo("Europe/London")),
    ],
)
def test_a_value_is_parsed_to_its_own_type(
    kind: SettingType[object], given: object, parsed: object
) -> None:
    """From its own type, and from the text of the command line."""
    result = kind.parse(given)
    assert (result, type(result) is type(parsed) or isinstance(kind, Items)) == (parsed, True)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Flag(), "maybe"),
        (Flag(), None),
        (Flag(), 2),
        (Whole(1, 9), 0),
        (Whole(1, 9), 10),
        (Whole(1, 9), 1.5),
        (Whole(1, 9), "many"),
        (Whole(1, 9), True),
        (Whole(1, 9), None),
        (Seconds(0, 10), -0.1),
        (Seconds(0, 10), 10.1),
        (Seconds(0, 10), math.nan),
        (Seconds(0, 10), math.inf),
        (Seconds(0, 10), True),
        (WORDS, "Commit"),
        (WORDS, None),
        (DatabaseUrl(), ""),
        (DatabaseUrl(), "snapshots.db"),
        (DatabaseUrl(), "://host"),
        (DatabaseUrl(), None),
        (DatabaseUrl(), "postgresql://me@host/db?password=hunter2"),
        (DatabaseUrl(), "postgresql://me@host/db?sslmode=require&sslPassword=hunter2"),
        (Folder(), ""),
        (Folder(), "a\0b"),
        (Folder(), 7),
        (Items(), []),
        (Items(), "{"),
        (Items(), "[]"),
        (Items(), {3: BOOK}),
        (Items(), {"": BOOK}),
        (Items(), {dict: "book"}),
        (Zone(), "Mars/Olympus"),
        (Zone(), "Europe"),
        (Zone(), "/etc/passwd"),
        (Zone(), 0),
    ],
)
def test_another_value_is_refused(kind: SettingType[object], given: object) -> None:
    """With one of the two errors that the settings turn into their own."""
    with pytest.raises((ValueError, TypeError)):
        kind.parse(given)


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        (Whole(1, 10_000), "a whole number from 1 to 10,000"),
        (Seconds(0.1, 86_400), "a number of seconds from 0.1 to 86,400"),
        (WORDS, '"commit" or "enqueue"'),
    ],
)
def test_the_range_is_given_in_words(kind: SettingType[object], allowed: str) -> None:
    """With its ends, or with every word."""
    assert kind.allowed == allowed


def test_declared_items_cannot_be_changed_later() -> None:
    """Not through the mapping that was given either."""
    given = {"dict": BOOK}
    parsed = Items().parse(given)
    given.clear()
    assert parsed == {"dict": BOOK}
    with pytest.raises(TypeError):
        parsed["list"] = BOOK  # type: ignore[index]
