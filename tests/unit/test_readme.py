"""The README says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.commands import SUBCOMMANDS
from scrapy_snapshot_pipeline.crawl.stats import STATS
from scrapy_snapshot_pipeline.settings import SETTINGS, Setting, SnapshotSettings

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def _rows(prefix: str) -> dict[str, list[str]]:
    """Table rows whose first cell begins with `prefix`, cells by first cell."""
    lines = [line for line in README.splitlines() if line.startswith(f"| `{prefix}")]
    cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
    return {row[0].strip().strip("`"): row for row in cells}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_setting_is_documented_with_default_and_unit(setting: Setting) -> None:
    """What a user reads is what the code reads."""
    _, default, unit, meaning = _rows("SNAPSHOT_")[setting.name]

    shown = setting.default if setting.name != "SNAPSHOT_ITEMS" else {}
    assert default.strip("`").replace('"', "'") == repr(shown)
    assert unit == setting.unit
    assert meaning


def test_no_setting_is_documented_that_is_not_there() -> None:
    """Nothing of the past stays in the table."""
    assert set(_rows("SNAPSHOT_")) == {setting.name for setting in SETTINGS}


def test_stats_are_documented_word_for_word() -> None:
    """Every stat, and no other."""
    assert {name: row[1] for name, row in _rows("snapshots/").items()} == dict(STATS)


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_command_is_documented(name: str) -> None:
    """Every subcommand has its row."""
    assert any(row.startswith(f"scrapy snapshots {name}") for row in _rows("scrapy snapshots"))


def test_the_declarations_in_settings_are_taken() -> None:
    """Those of the line under "Declaring items"."""
    section = README.split("## Declaring items")[1]
    code = re.search(r"```python\n(SNAPSHOT_ITEMS = .*?)```", section, re.DOTALL)
    assert code is not None
    found: dict[str, object] = {}
    exec(code[1], found)  # noqa: S102 - the README's own line
    items = found["SNAPSHOT_ITEMS"]
    assert SnapshotSettings.from_settings({"SNAPSHOT_ITEMS": items}).items == items
