"""One line in `ADDONS` turns the pipeline on."""

from __future__ import annotations

from scrapy.settings import BaseSettings

from scrapy_snapshot_pipeline.pipeline import SnapshotPipeline

PRIORITY = 900
"""High, so that pipelines that clean or drop items come before ours."""


class Addon:
    """Adds `SnapshotPipeline` to `ITEM_PIPELINES`, unless the project has done so itself."""

    def update_settings(self, settings: BaseSettings) -> None:
        settings.setdefault_in_component_priority_dict("ITEM_PIPELINES", SnapshotPipeline, PRIORITY)
