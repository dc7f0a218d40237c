"""What must hold for the dead letters of a crawl, and after their replay."""

from __future__ import annotations

from tests.faults.conftest import Verdict
from tests.faults.crawling import Looking
from tests.faults.oracles import (
    assert_discreet,
    assert_intervals,
    assert_normal_form,
    database_of,
    doubled,
    lost,
    stored,
)


def assert_spooled(crawl: Looking) -> None:
    """Every item that was refused is in the dead letters."""
    assert set(crawl.refused) <= set(crawl.spooled_looks), crawl.crawl.log[-3000:]
    assert_discreet(crawl)


def assert_replayed(crawl: Looking, verdict: Verdict, outcome: str) -> None:
    """After the replay nothing is missing, and a second replay changes nothing."""
    crawl.replay()
    found = stored(crawl.url)
    rows = sum(map(len, found.versions.values()))
    crawl.replay()
    again = stored(crawl.url)
    assert sum(map(len, again.versions.values())) == rows
    expected = [*crawl.acknowledged, *crawl.refused, *crawl.spooled_looks]
    verdict(outcome, database_of(crawl.url), lost(expected, again), doubled(again))
    assert_intervals(again)
    assert_normal_form(again)
