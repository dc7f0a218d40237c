"""Where relative paths in the settings begin."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.crawl.project import project_settings, warn_of_stray_file


@pytest.fixture
def subfolder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a project, which is the working directory."""
    (tmp_path / "scrapy.cfg").touch()
    folder = tmp_path / "shop" / "spiders"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("sqlite:///a.db", "sqlite:///{root}/a.db"),
        ("sqlite+pysqlite:///data/a.db", "sqlite+pysqlite:///{root}/data/a.db"),
        ("sqlite:///file:a.db?uri=true", "sqlite:///file:{root}/a.db?uri=true"),
        ("sqlite:////var/a.db", "sqlite:////var/a.db"),
        ("sqlite:///file:/var/a.db?uri=true", "sqlite:///file:/var/a.db?uri=true"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://host/a.db", "postgresql://host/a.db"),
    ],
)
def test_a_relative_file_is_taken_from_the_project(
    url: str, resolved: str, subfolder: Path
) -> None:
    """From the folder of scrapy.cfg, wherever the shell stands."""
    root = subfolder.parents[1]
    settings = project_settings({"SNAPSHOT_DATABASE_URL": url})
    assert settings.database_url == resolved.format(root=root)


def test_a_relative_folder_of_dead_letters_is_taken_from_the_project(subfolder: Path) -> None:
    """Or `replay` in another folder would not find them."""
    settings = project_settings({"SNAPSHOT_DEAD_LETTER_DIR": "letters"})
    assert settings.dead_letter_dir == str(subfolder.parents[1] / "letters")
    assert project_settings({}).dead_letter_dir is None


def test_without_a_project_it_is_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a script that runs a crawl."""
    monkeypatch.chdir(tmp_path)
    assert project_settings({}).database_url == f"sqlite:///{tmp_path}/snapshots.db"


def test_a_file_that_was_used_before_is_warned_of(
    subfolder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Until the project has one itself."""
    file = subfolder / "snapshots.db"
    with caplog.at_level(logging.WARNING):
        warn_of_stray_file({})
        assert not caplog.records
        file.touch()
        warn_of_stray_file({})
    [line] = caplog.messages
    assert line.startswith(f"{file} is not used: ")

    (subfolder.parents[1] / "snapshots.db").touch()
    caplog.clear()
    warn_of_stray_file({})
    assert not caplog.records
