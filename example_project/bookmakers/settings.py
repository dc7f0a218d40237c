"""Scrapy settings of the example.

The two `SNAPSHOT` lines are all that the plugin needs: it creates its tables by itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent


def _last_database() -> str:
    """`odds.db`, which crawls by hand make; until there is one, the file of the last tour."""
    file = _PROJECT / "odds.db"
    tours = sorted(_PROJECT.glob("runs/*/odds.db"))
    if tours and not file.exists() and "crawl" not in sys.argv[1:2]:
        file = tours[-1]
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
