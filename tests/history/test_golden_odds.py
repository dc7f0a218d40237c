"""Answers about the example's real odds, against numbers from the file alone, on each database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from scrapy_snapshot_pipeline.history import ChangeKind, ChildKind, SnapshotHistory
from tests.history import odds
from tests.history.odds import CLOSING, OPENING, STARTS, TABLE, Offer

LATER = STARTS[CLOSING] + dt.timedelta(days=1)
Key = tuple[str, str]


@pytest.fixture(scope="module")
def opening() -> dict[Key, Offer]:
    """The file's opening odds."""
    return {(o.match, o.bookmaker): o for o in odds.offers(OPENING)}


@pytest.fixture(scope="module")
def closing() -> dict[Key, Offer]:
    """The file's closing odds."""
    return {(o.match, o.bookmaker): o for o in odds.offers(CLOSING)}


@pytest.fixture
def history(database_url: str) -> Iterator[SnapshotHistory]:
    """Both visits stored, on each database."""
    odds.store_odds(database_url)
    with SnapshotHistory(database_url) as found:
        yield found


def moved(opening: dict[Key, Offer], closing: dict[Key, Offer]) -> set[Key]:
    """The entities whose odds differ between the visits."""
    return {key for key in opening.keys() & closing if opening[key] != closing[key]}


def test_changes_new_and_unseen_are_those_of_the_file(
    history: SnapshotHistory, opening: dict[Key, Offer], closing: dict[Key, Offer]
) -> None:
    """The second visit changed, added and missed exactly what the file says."""
    feed = list(history.changes(TABLE, since=CLOSING))
    changed = {tuple(c.key.values()) for c in feed if c.kind is ChangeKind.CHANGED}
    new = {tuple(c.key.values()) for c in history.new(TABLE, since=CLOSING)}
    unseen = {tuple(s.key.values()) for s in history.not_seen(TABLE)}
    assert changed == moved(opening, closing)
    assert new == closing.keys() - opening
    assert unseen == opening.keys() - closing
    assert [c.changed_at for c in feed] == sorted((c.changed_at for c in feed), reverse=True)


def test_states_of_both_runs_are_the_file(
    history: SnapshotHistory, opening: dict[Key, Offer], closing: dict[Key, Offer]
) -> None:
    """The state as of the end of a run has every price of that visit, and what it did not see."""
    for run, expected in ((OPENING, opening), (CLOSING, {**opening, **closing})):
        states = {tuple(s.key.values()): s for s in history.as_of(TABLE, run)}
        assert states.keys() == expected.keys()
        for key, state in states.items():
            prices = {
                (row.key["market"], name.removeprefix("price_")): value
                for row in state.children["markets"]
                for name, value in row.values.items()
                if name != "market" and value is not None
            }
            assert prices == expected[key].prices


def test_diff_of_the_runs_has_every_moved_price(
    history: SnapshotHistory, opening: dict[Key, Offer], closing: dict[Key, Offer]
) -> None:
    """Old and new of each price are those of the file."""
    found = {
        (*d.key.values(), c.key["market"], f.field.removeprefix("price_")): (f.old, f.new)
        for d in history.diff(TABLE, OPENING, CLOSING)
        if d.kind is ChildKind.CHANGED
        for c in d.children
        for f in c.fields
    }
    expected = {
        (*key, *place): (opening[key].prices.get(place), closing[key].prices.get(place))
        for key in moved(opening, closing)
        for place in {**opening[key].prices, **closing[key].prices}
        if opening[key].prices.get(place) != closing[key].prices.get(place)
    }
    assert found == expected


def test_movers_are_the_furthest_of_the_file(
    history: SnapshotHistory, opening: dict[Key, Offer], closing: dict[Key, Offer]
) -> None:
    """The ten largest relative moves of a child's price, computed from the file."""
    moves = [
        abs(new / old - 1)
        for key in opening.keys() & closing
        for place in opening[key].prices.keys() & closing[key].prices
        if place[1] == "home"
        for old, new in [(opening[key].prices[place], closing[key].prices[place])]
    ]
    found = history.movers(TABLE, "markets.price_home", since=STARTS[CLOSING], top=10)
    expected = [float(move) for move in sorted(moves, reverse=True)[:10]]
    assert [abs(m.relative or 0) for m in found] == pytest.approx(expected)


def test_statistics_of_one_match(
    history: SnapshotHistory, opening: dict[Key, Offer], closing: dict[Key, Offer]
) -> None:
    """Lowest and highest are the file's; the mean weighs the days, up to the last look."""
    key = min(moved(opening, closing))
    where = dict(zip(("match", "bookmaker"), key, strict=True))
    place = ("1X2", "home")
    old, new = opening[key].prices[place], closing[key].prices[place]
    [one] = [
        s
        for s in history.statistics(TABLE, "markets.price_home", days=30, until=LATER, where=where)
        if s.child[0]["market"] == "1X2"
    ]
    assert (one.lowest, one.highest, one.last) == (min(old, new), max(old, new), new)
    assert one.mean == pytest.approx(old)  # the closing price was seen in one instant only


def test_one_match_has_two_versions(
    history: SnapshotHistory, opening: dict[Key, Offer], closing: dict[Key, Offer]
) -> None:
    """New, then changed, each with its run; steps give the price over time."""
    key = min(moved(opening, closing))
    versions = list(history.versions(TABLE, key))
    assert [v.kind for v in versions] == [ChangeKind.NEW, ChangeKind.CHANGED]
    assert [v.run_at for v in versions] == list(STARTS.values())
    steps = [
        s.value
        for s in history.steps(TABLE, key, "markets.price_home")
        if s.child[0]["market"] == "1X2"
    ]
    prices = [each[key].prices["1X2", "home"] for each in (opening, closing)]
    assert steps == list(dict.fromkeys(prices))


def test_flat_rows_are_equal_on_both_databases(sqlite_url: str, postgresql_url: str) -> None:
    """Every answer comes out the same, value by value and in the same order."""
    told = []
    for url in (sqlite_url, postgresql_url):
        odds.store_odds(url)
        with SnapshotHistory(url) as history:
            told.append(
                [
                    repr(list(answer.rows()))
                    for answer in (
                        history.runs(),
                        history.current(TABLE),
                        history.as_of(TABLE, OPENING),
                        history.changes(TABLE),
                        history.diff(TABLE, OPENING, CLOSING),
                        history.not_seen(TABLE),
                        history.movers(TABLE, "markets.line", since=OPENING, by="absolute"),
                        history.statistics(TABLE, "markets.price_away", until=LATER),
                    )
                ]
            )
    assert told[0] == told[1]
