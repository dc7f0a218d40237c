"""Scrapy's own log lines, without the items in them: those are the project's to show or hide."""

from __future__ import annotations

import logging
from typing import Any

from scrapy.logformatter import LogFormatter, LogFormatterResult


class Quiet(LogFormatter):
    """Says that an item failed, not which."""

    def item_error(self, item: Any, *_: Any, **__: Any) -> LogFormatterResult:
        """See `LogFormatter`."""
        return {"level": logging.ERROR, "msg": "An item failed", "args": {}}
