"""Fixtures that start crawls and leave none behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from tests.crawl.crawls import MODES, SCRAPY, Crawl


class StartCrawl(Protocol):
    """Starts a crawl into a database."""

    def __call__(
        self,
        spider: str,
        url: str,
        settings: Mapping[str, object] = {},
        *,
        mode: str = "asyncio",
        **arguments: object,
    ) -> Crawl:
        """`arguments` are those of the spider."""


@pytest.fixture(
    params=[
        "asyncio",
        "select",
        pytest.param(
            "reactorless",
            marks=pytest.mark.skipif(SCRAPY < (2, 15), reason="this Scrapy needs a reactor"),
        ),
    ]
)
def mode(request: pytest.FixtureRequest) -> str:
    """Each loop that Scrapy can run on."""
    name: str = request.param
    return name


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartCrawl]:
    """Start crawls, each in a folder of its own."""
    crawls: list[Crawl] = []

    def start_crawl(
        spider: str,
        url: str,
        settings: Mapping[str, object] = {},
        *,
        mode: str = "asyncio",
        **arguments: object,
    ) -> Crawl:
        folder = tmp_path / f"crawl-{len(crawls)}"
        folder.mkdir()
        ours = {"SNAPSHOT_DATABASE_URL": url, "SNAPSHOT_OPEN_TIMEOUT": 1}
        given = {**ours, **MODES[mode], **settings}
        crawl = Crawl(folder, spider, given, arguments)
        crawls.append(crawl)
        return crawl

    yield start_crawl
    for crawl in crawls:
        crawl.kill()
