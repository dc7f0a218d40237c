"""Opens the bookmakers' site when the spider opens and closes it after the spider."""

from __future__ import annotations

from scrapy import signals
from scrapy.crawler import Crawler

from bookmakers.site.offers import read_fixtures
from bookmakers.site.routes import Site
from bookmakers.site.server import SiteServer
from bookmakers.visiting import VisitingSpider


class BookmakerSite:
    """Gives the spider its `site_url`: no second terminal, no fixed port."""

    def __init__(self) -> None:
        self._server: SiteServer | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BookmakerSite:
        extension = cls()
        crawler.signals.connect(extension.spider_opened, signals.spider_opened)
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_opened(self, spider: VisitingSpider) -> None:
        """Open the site before the first request."""
        self._server = SiteServer(Site(read_fixtures()).page)
        spider.site_url = self._server.url

    def spider_closed(self) -> None:
        """Close the site after the last response; also called if the crawl never opened."""
        if self._server is not None:
            self._server.close()
