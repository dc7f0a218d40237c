"""Scrapy's own log lines without the items, which a project may show or hide."""

from __future__ import annotations

import logging
from typing import Any

from scrapy.logformatter import LogFormatter, LogFormatterResult


class Quiet(LogFormatter):
    """Logs that an item failed, but not which one."""

    def item_error(self, item: Any, *_: Any, **__: Any) -> LogFormatterResult:
        return {"level": logging.ERROR, "msg": "An item failed", "args": {}}
