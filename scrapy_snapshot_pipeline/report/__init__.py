"""The report: the history as one HTML page that needs no network."""

from scrapy_snapshot_pipeline.report.build import build_page
from scrapy_snapshot_pipeline.report.options import ReportOptions
from scrapy_snapshot_pipeline.report.render import render

__all__ = ["ReportOptions", "build_page", "render"]
