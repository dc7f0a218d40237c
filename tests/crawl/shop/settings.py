"""The smallest project that uses the plugin; each test adds its settings with `-s`."""

from __future__ import annotations

from typing import Any

BOT_NAME = "shop"
SPIDER_MODULES = ["tests.crawl.shop.spiders"]
ADDONS = {"scrapy_snapshot_pipeline.Addon": 500}
EXTENSIONS: dict[str, Any] = {
    "scrapy.extensions.telnet.TelnetConsole": None,
    "tests.crawl.shop.extensions.StatsFile": 0,
    "tests.crawl.shop.extensions.Acknowledged": 0,
    "tests.crawl.shop.extensions.SlowCommits": 0,
    "tests.crawl.shop.extensions.Heartbeat": 0,
    "tests.crawl.shop.extensions.ClockBehind": 0,
}
LOG_LEVEL = "INFO"
ROBOTSTXT_OBEY = False
