"""Settings: which are read, which are refused, and what the refusal says."""

from __future__ import annotations

import re
import zoneinfo
from pathlib import Path

import pytest
from scrapy.settings import Settings

from scrapy_snapshot_pipeline.errors import SettingsError
from scrapy_snapshot_pipeline.settings import AT_MOST, SETTINGS, Setting, SnapshotSettings

SECRET = "postgresql+psycopg2://me:hunter2@host/db"  # noqa: S105 - the point of the tests
BOOK = {"table": "book", "key": "url"}


def _read(**settings: object) -> SnapshotSettings:
    return SnapshotSettings.from_settings({f"SNAPSHOT_{k}": v for k, v in settings.items()})


def test_nothing_set_gives_the_defaults() -> None:
    """An empty mapping is a valid configuration."""
    assert SnapshotSettings.from_settings({}) == SnapshotSettings()


def test_scrapys_own_settings_object_is_read() -> None:
    """Settings of others are passed over, and ours may come as text or in their type."""
    settings = Settings({"BOT_NAME": "bot", "SNAPSHOT_LINGER": "0.5", "SNAPSHOT_PAUSE_AT": 7})
    read = SnapshotSettings.from_settings(settings)
    assert (read.linger, read.pause_at) == (0.5, 7)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_default_is_allowed_by_its_own_range(setting: Setting) -> None:
    """No default would be refused if the user wrote it down."""
    assert setting.parse(setting.default) == setting.default


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("ENABLED", "False", False),
        ("DATABASE_URL", SECRET, SECRET),
        ("ACK", "enqueue", "enqueue"),
        ("NAIVE_TIMEZONE", "Europe/London", zoneinfo.ZoneInfo("Europe/London")),
        ("LINGER", "0.25", 0.25),
        ("BATCH_SIZE", "1000", 1000),
        ("PAUSE_AT", 0, 0),
        ("RETRY_TIMES", 0, 0),
        ("ON_REJECT", "drop", "drop"),
        ("DEAD_LETTER_DIR", Path("/var/letters"), "/var/letters"),
        ("ITEMS", {dict: BOOK}, {dict: BOOK}),
    ],
)
def test_an_allowed_value_is_read(name: str, given: object, expected: object) -> None:
    """A value arrives in the field of the setting's name, in its own type."""
    assert getattr(_read(**{name: given}), name.lower()) == expected


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("ENABLED", "maybe"),
        ("DATABASE_URL", "snapshots.db"),
        ("ON_OUTAGE", "go on"),
        ("ON_REJECT", "raise"),
        ("DEAD_LETTER_DIR", ""),
        ("ACK", None),
        ("NAIVE_TIMEZONE", "Mars/Olympus"),
        ("LINGER", -0.1),
        ("BATCH_SIZE", 0),
        ("PAUSE_AT", -1),
        ("WRITE_TIMEOUT", 0),
        ("ITEMS", []),
    ],
)
def test_another_value_is_refused_with_name_and_range(name: str, given: object) -> None:
    """The error names the setting, says what is allowed and what the default is."""
    (setting,) = (each for each in SETTINGS if each.name == f"SNAPSHOT_{name}")
    with pytest.raises(SettingsError) as refused:
        _read(**{name: given})
    text = str(refused.value)
    assert text.startswith(f"{setting.name} must be {setting.allowed}, not ")
    assert text.endswith(f"leave it out for the default, {setting.default!r}")


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("PAUSE_AT", "-3", "-3"),
        ("PAUSE_AT", " 2.5 ", "2.5"),
        ("PAUSE_AT", 2.5, "2.5"),
        ("LINGER", "-0.5", "-0.5"),
        ("LINGER", "soon", "a text that is no number"),
        ("LINGER", "", "a text that is no number"),
        ("BATCH_SIZE", "9" * 300, "9" * 200 + "..."),
        ("BATCH_SIZE", True, "True"),
        ("BATCH_SIZE", ["1"], "a list"),
        ("ACK", "-3", "another text"),
        ("ENABLED", "maybe", "another text"),
        ("DEAD_LETTER_DIR", "", "an empty text"),
    ],
)
def test_a_refused_value_is_described_as_its_writer_sees_it(
    name: str, given: object, shown: str
) -> None:
    """A number stays a number when it comes from the command line, as text."""
    with pytest.raises(SettingsError, match=re.escape(f", not {shown}; leave it out")):
        _read(**{name: given})


@pytest.mark.parametrize(
    "name", [each.name for each in SETTINGS if each.name != "SNAPSHOT_DEAD_LETTER_DIR"]
)
def test_a_refusal_never_shows_a_text(name: str) -> None:
    """A secret put into any setting by mistake is in no message and in no chained exception."""
    with pytest.raises(SettingsError) as refused:
        SnapshotSettings.from_settings({name: "me:hunter2@host"})
    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_the_url_is_not_in_the_repr() -> None:
    """Settings may be logged."""
    assert "hunter2" not in repr(SnapshotSettings(database_url=SECRET))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("SNAPSHOT_BATCHSIZE", "SNAPSHOT_BATCH_SIZE"),
        ("SNAPSHOT_DATABASE_URI", "SNAPSHOT_DATABASE_URL"),
        ("SNAPSHOT_RETRIES_TIMES", "SNAPSHOT_RETRY_TIMES"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(wrong: str, right: str) -> None:
    """A misspelt setting is an error with the cure, not a default in silence."""
    with pytest.raises(SettingsError, match=rf"^{wrong} is not a setting .*did you mean {right}\?"):
        SnapshotSettings.from_settings({wrong: 1})


def test_an_unknown_name_like_no_other_lists_them_all() -> None:
    """Without a near name the error says which names there are."""
    with pytest.raises(SettingsError) as refused:
        SnapshotSettings.from_settings({"SNAPSHOT_XQZ": 1})
    assert all(setting.name in str(refused.value) for setting in SETTINGS)


@pytest.mark.parametrize(("smaller", "larger"), AT_MOST)
def test_values_that_contradict_each_other_are_refused(smaller: str, larger: str) -> None:
    """Each pair is checked by itself, and the error names both settings."""
    limit = getattr(SnapshotSettings(), larger)
    with pytest.raises(SettingsError) as refused:
        _read(**{smaller.upper(): limit + 1})
    assert f"lower SNAPSHOT_{smaller.upper()}" in str(refused.value)
    assert f"raise SNAPSHOT_{larger.upper()}" in str(refused.value)


@pytest.mark.parametrize(("smaller", "larger"), AT_MOST)
def test_equal_limits_do_not_contradict(smaller: str, larger: str) -> None:
    """A batch may be as large as the queue."""
    limit = getattr(SnapshotSettings(), smaller)
    assert getattr(_read(**{larger.upper(): limit}), larger) == limit
