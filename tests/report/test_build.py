"""The whole page: report/build.py, options.py and page.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.report import ReportOptions
from tests.history import odds
from tests.report.shop import NOW, report, store, week

TABLE = "report_product"


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the week."""
    store(database_url, week())
    return database_url


@pytest.fixture
def sqlite_week(tmp_path: Path) -> str:
    """The same where one database is enough."""
    url = f"sqlite:///{(tmp_path / 'week.db').as_posix()}"
    store(url, week())
    return url


def test_page_shows_the_week(url: str) -> None:
    """Counts, feed, movers, new and not seen are what the crawls saw, on each database."""
    page = report(url)

    assert [(t.name, t.new, t.changed, t.not_seen) for t in page.tables] == [(TABLE, "4", "2", "1")]
    assert [row.key for row in page.not_seen] == ["gone"]
    assert page.new[0].key == "fresh"
    feed = [(entry.key, entry.kind) for entry in page.feed]
    assert set(feed[:2]) == {("lamp", "changed"), ("fresh", "new")}
    lines = next(entry for entry in page.feed if entry.key == "lamp").lines
    shown = [(line.field, line.old, line.new, line.percent) for line in lines]
    assert ("price", "12", "9", "-25.0 %") in shown
    assert ("extra.stock", "12", "9", "-25.0 %") in shown
    assert ("offers / north: amount", "12", "9", "-25.0 %") in shown
    assert {row.field for row in page.movers} == {"price", "extra.stock", "north: offers.amount"}
    assert {row.percent for row in page.movers} == {"-10.0 %"}


def test_untracked_fields_come_last(sqlite_url: str) -> None:
    """A new address of the page does not stand before the prices that moved."""
    odds.store_odds(sqlite_url)
    page = report(sqlite_url, ReportOptions(since=odds.STARTS[odds.CLOSING], top=1))

    fields = [line.field for line in page.feed[0].lines]
    assert fields[0].startswith("markets / ")
    assert fields[-1] == "url"


def test_top_bounds_everything_and_says_so(sqlite_week: str) -> None:
    """One row a list, one page a table, and a sentence for each list that was cut."""
    page = report(sqlite_week, ReportOptions(top=1))

    assert (len(page.movers), len(page.new), len(page.entities)) == (1, 1, 1)
    assert f"Only 1 movers of {TABLE} are shown; there are more." in page.omissions
    assert f"Only 1 new entities of {TABLE} are shown; there are more." in page.omissions


def test_every_list_has_its_share_of_the_pages(sqlite_url: str) -> None:
    """Hundreds of movers leave room for what is new and for what was not seen."""
    odds.store_odds(sqlite_url)
    page = report(sqlite_url, ReportOptions(since=odds.STARTS[odds.OPENING], top=8))

    assert len(page.entities) == 8
    for rows in (page.movers, page.feed, page.new, page.not_seen):
        assert rows[0].anchor is not None
        assert rows[-1].anchor is None


def test_key_chooses_entities(sqlite_week: str) -> None:
    """All lists are of this one."""
    page = report(sqlite_week, ReportOptions(where={"sku": ["chair"]}))

    assert {entry.key for entry in page.feed} == {"chair"}
    assert [entity.key for entity in page.entities] == ["chair"]


def test_since_leaves_out_what_was_before(sqlite_week: str) -> None:
    """Nothing changed since the last crawl's end."""
    page = report(sqlite_week, ReportOptions(since=NOW))

    assert page.feed == ()
    assert page.movers == ()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (ReportOptions(fields=("name",)), "no numbers were found in a field name; leave --field"),
        (ReportOptions(tables=("nope",)), "no table of entities nope; there are report_product"),
        (
            ReportOptions(where={"colour": ["red"]}),
            r"no table has the key field\(s\) colour; the keys are report_product: sku",
        ),
    ],
)
def test_what_is_not_there_is_refused(
    sqlite_week: str, options: ReportOptions, problem: str
) -> None:
    """With what there is instead."""
    with pytest.raises(HistoryError, match=problem):
        report(sqlite_week, options)
