"""What the page says that it leaves out."""

from __future__ import annotations

from scrapy_snapshot_pipeline.report.omissions import Omissions


def test_list_that_is_whole_needs_no_sentence() -> None:
    """Only one that is cut."""
    omissions = Omissions()
    omissions.more("changes", there=50, shown=50)
    omissions.more("crawls", there=1_201, shown=1_200)
    assert omissions.sentences() == ("Only 1,200 crawls are shown; there are more.",)


def test_tables_are_named_if_there_are_any() -> None:
    """In one sentence."""
    omissions = Omissions()
    omissions.tables([])
    assert omissions.sentences() == ()
    omissions.tables(["book", "match"])
    assert omissions.sentences() == ("These tables are left out: book, match.",)


def test_sentences_come_in_their_order() -> None:
    """As the page was built."""
    omissions = Omissions()
    omissions.more("changes", there=9, shown=8)
    omissions.pages(1_000)
    first, second = omissions.sentences()
    assert first.startswith("Only 8 changes")
    assert second.startswith("1,000 entities have a page of their own: ")
