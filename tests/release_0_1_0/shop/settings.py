"""The project that filled the databases, as far as a crawl of today needs it."""

SPIDER_MODULES = ["tests.release_0_1_0.shop.spiders"]
ADDONS = {"scrapy_snapshot_pipeline.Addon": 500}
SNAPSHOT_ITEMS = {dict: {"table": "note", "key": ("shop", "id"), "untracked": ["seen"]}}
TELNETCONSOLE_ENABLED = False
