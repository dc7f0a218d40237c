"""The report: what the history answers, as one HTML page that needs no network."""

from scrapy_snapshot_pipeline.report.build import gather
from scrapy_snapshot_pipeline.report.options import Choice
from scrapy_snapshot_pipeline.report.render import render

__all__ = ["Choice", "gather", "render"]
