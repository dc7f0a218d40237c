"""What people know an entity by, where its key is a URL."""

from __future__ import annotations

import datetime as dt
import uuid

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.report import render
from scrapy_snapshot_pipeline.report.page import EntityPage, EntityRow, Entry, MoverRow
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.report.shop import HOSTILE, START, report

URL = "https://example.com/1"


def crawl(url: str, day: int, label: str | None, **fields: object) -> None:
    """One that saw one job, whose class has this label."""
    declaration = Declarations({dict: {"table": "job", "key": "url", "label": label}}).of(dict)
    assert declaration is not None
    store = SnapshotStore(connect_engine(url, connect_timeout=10))
    store.declare([declaration])
    seen = START + dt.timedelta(days=day)
    record = compile_capture(declaration)({"url": URL, **fields}, seen, uuid.UUID(int=day + 1))
    store.write(Batch((record,)))
    store.close()


def test_an_entity_is_shown_by_its_label(database_url: str) -> None:
    """The newest one, in every list; the key stays beside it."""
    crawl(database_url, 5, "title", title="Librarian", salary="3000")
    crawl(database_url, 6, "title", title="Head librarian", salary="3300")
    page = report(database_url)

    rows: list[Entry | MoverRow | EntityRow | EntityPage] = [
        *page.feed,
        *page.movers,
        *page.new,
        *page.entities,
    ]
    assert [(row.label, row.key) for row in rows] == [("Head librarian", URL)] * 5
    html = render(page)
    assert f'<bdi title="{URL}">Head librarian</bdi>' in html
    assert f'<p class="quiet"><bdi>{URL}</bdi></p>' in html


def test_another_label_is_taken_with_the_next_crawl(database_url: str) -> None:
    """Nothing of what is stored changes by it; without one, the key is shown again."""
    crawl(database_url, 5, None, title="Librarian", place="Leeds")
    assert [row.label for row in report(database_url).new] == [""]
    for label, shown in (("title", "Librarian"), ("place", "Leeds"), (None, "")):
        crawl(database_url, 6, label, title="Librarian", place="Leeds")
        page = report(database_url)
        assert [row.label for row in page.new] == [shown]
        assert len(page.feed) == 1


def test_a_label_is_text(sqlite_url: str) -> None:
    """Whatever it tries to be."""
    for day, title in enumerate(HOSTILE):
        crawl(sqlite_url, day, "title", title=title)
        html = render(report(sqlite_url))
        assert f">{title}<" not in html
