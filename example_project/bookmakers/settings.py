"""Scrapy settings of the example.

The two `SNAPSHOT` lines are all that the plugin needs: it creates its tables by itself.
"""

from __future__ import annotations

import os
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent

BOT_NAME = "bookmakers"
SPIDER_MODULES = ["bookmakers.spiders"]
LOG_LEVEL = "INFO"

ADDONS = {"scrapy_snapshot_pipeline.Addon": 500}
SNAPSHOT_DATABASE_URL = (
    os.environ.get("SNAPSHOT_DATABASE_URL") or f"sqlite:///{(_PROJECT / 'odds.db').as_posix()}"
)

# The bookmakers' pages come from this machine, so the crawl need not be polite.
EXTENSIONS = {"bookmakers.site.extension.BookmakerSite": 0}
CONCURRENT_REQUESTS_PER_DOMAIN = 16
TELNETCONSOLE_ENABLED = False
