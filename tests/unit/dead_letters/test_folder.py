"""Where a project's dead letters are."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.dead_letters.folder import DEAD_LETTER_DIR, dead_letter_folder
from scrapy_snapshot_pipeline.settings import SnapshotSettings


def test_the_setting_names_the_folder(tmp_path: Path) -> None:
    """As it is written."""
    settings = SnapshotSettings(dead_letter_dir=str(tmp_path))
    assert dead_letter_folder(settings) == tmp_path


def test_the_default_is_in_scrapys_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is `.scrapy` beside the project's scrapy.cfg, also from a folder below."""
    (tmp_path / "scrapy.cfg").write_text("[settings]\n")
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.delenv("SCRAPY_SETTINGS_MODULE", raising=False)
    assert dead_letter_folder(SnapshotSettings()) == tmp_path / ".scrapy" / DEAD_LETTER_DIR


def test_outside_of_a_project_it_is_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a spider that is run from a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCRAPY_SETTINGS_MODULE", raising=False)
    assert dead_letter_folder(SnapshotSettings()) == Path(".scrapy", DEAD_LETTER_DIR)
