"""The project that Scrapy runs in: its settings, with its paths taken from its root."""

from __future__ import annotations

import logging
from pathlib import Path

from scrapy.utils.conf import closest_scrapy_cfg

from scrapy_snapshot_pipeline.safe_text import printable
from scrapy_snapshot_pipeline.setting_types import sqlite_file
from scrapy_snapshot_pipeline.settings import SettingsSource, SnapshotSettings

logger = logging.getLogger(__name__)


def project_settings(source: SettingsSource) -> SnapshotSettings:
    """Our settings; relative paths in them begin at the folder of `scrapy.cfg`.

    Without one, at the working directory.  Raises SettingsError.
    """
    return SnapshotSettings.from_settings(source).in_folder(project_folder())


def project_folder() -> Path:
    """The folder of `scrapy.cfg`, which Scrapy looks for upwards from the working directory."""
    config = closest_scrapy_cfg()
    return Path(config).parent if config else Path.cwd()


def warn_of_stray_file(source: SettingsSource) -> None:
    """Warn where the working directory has a database that a relative path used to mean."""
    path = sqlite_file(SnapshotSettings.from_settings(source).database_url)
    folder = project_folder()
    if path is None or (folder / path).exists() or not Path(path).exists():
        return
    logger.warning(
        "%s is not used: a relative path in SNAPSHOT_DATABASE_URL begins at the project's folder, "
        "%s; move the file there, or state its whole path",
        printable(str(Path(path).absolute())),
        printable(str(folder)),
    )
