"""The folder that holds a project's files of dead letters."""

from __future__ import annotations

from pathlib import Path

from scrapy.exceptions import NotConfigured
from scrapy.utils.project import data_path

from scrapy_snapshot_pipeline.settings import SnapshotSettings

DEAD_LETTER_DIR = "snapshot-dead-letters"
"""The folder's name in Scrapy's data folder, unless SNAPSHOT_DEAD_LETTER_DIR names another one."""


def dead_letter_folder(settings: SnapshotSettings) -> Path:
    """The project's folder; it need not exist yet."""
    if settings.dead_letter_dir is not None:
        return Path(settings.dead_letter_dir)
    try:
        return Path(data_path(DEAD_LETTER_DIR))
    except NotConfigured:
        # The project has no scrapy.cfg.  Scrapy would switch the pipeline off for this exception.
        return Path(".scrapy", DEAD_LETTER_DIR)
