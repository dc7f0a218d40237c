"""Scrapy settings of the example.

The two `SNAPSHOT` lines are all that the plugin needs: it creates its tables by itself.
"""

from __future__ import annotations

import os
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent


def _last_database() -> str:
    """The file of the newest tour, to which a crawl by hand adds; `odds.db` before the first."""
    tours = sorted(_PROJECT.glob("runs/*/odds.db"))
    file = tours[-1] if tours else _PROJECT / "odds.db"
    return f"sqlite:///{file.as_posix()}"


BOT_NAME = "bookmakers"
SPIDER_MODULES = ["bookmakers.spiders"]
LOG_LEVEL = "INFO"

ADDONS = {"scrapy_snapshot_pipeline.Addon": 500}
SNAPSHOT_DATABASE_URL = os.environ.get("SNAPSHOT_DATABASE_URL") or _last_database()

# The bookmakers' pages come from this machine, so the crawl need not be polite.
EXTENSIONS = {"bookmakers.site.extension.BookmakerSite": 0}
CONCURRENT_REQUESTS_PER_DOMAIN = 16
TELNETCONSOLE_ENABLED = False
