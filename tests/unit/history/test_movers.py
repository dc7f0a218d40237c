"""The ranking of moves; how they are read is in tests/history/test_movers.py."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.history.numeric.movers import _Ranking
from scrapy_snapshot_pipeline.history.numeric.paths import NumberPath
from scrapy_snapshot_pipeline.history.numeric.readings import NumberReader

PRICE = NumberPath(None, "price", ())


def offered(moves: list[tuple[int, int]], by: str, top: int | None) -> list[tuple[bytes, int, int]]:
    """The ranking of these moves, each of an entity of its own, as entity, old and new."""
    ranking = _Ranking(NumberReader(PRICE), by, top)
    for number, (old, new) in enumerate(moves):
        move = ranking.move([{"price": old}, {"price": new}])
        if move is not None:
            ranking.offer((bytes([number]), ()), move)
    return [(entity, int(move.old), int(move.new)) for (entity, _), move in ranking.ranked()]


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), max_size=12),
    st.sampled_from(["absolute", "relative"]),
    st.sampled_from([None, 1, 3]),
)
def test_ranking_has_the_furthest_first(
    moves: list[tuple[int, int]], by: str, top: int | None
) -> None:
    """Up or down alike; of equally far ones the first, also where not all have room."""

    def distance(old: int, new: int) -> float:
        return abs(new - old) if by == "absolute" else abs((new - old) / old) if old else 0

    moved = [(bytes([n]), *move) for n, move in enumerate(moves) if distance(*move)]
    expected = sorted(moved, key=lambda each: -distance(*each[1:]))
    assert offered(moves, by, top) == expected[:top]


def test_move_is_from_the_first_value_to_the_last() -> None:
    """Whatever was in between, and from the first that is a number."""
    move = _Ranking(NumberReader(PRICE), "absolute", None).move(
        [{"price": None}, {"price": 2}, {"price": 9}, {"price": 5}]
    )
    assert move is not None
    assert (move.old, move.new, move.distance) == (Decimal(2), Decimal(5), Decimal(3))


@pytest.mark.parametrize("values", [[1, 2, None], [None, None], [None, 2], [3, 9, 3]])
def test_number_that_is_gone_or_back_did_not_move(values: list[int | None]) -> None:
    """Nor one that was not there before."""
    ranking = _Ranking(NumberReader(PRICE), "absolute", None)
    assert ranking.move([{"price": value} for value in values]) is None


def test_from_zero_there_is_no_relative_move() -> None:
    """But an absolute one."""
    values = [{"price": Decimal(0)}, {"price": Decimal(2)}]
    assert _Ranking(NumberReader(PRICE), "relative", None).move(values) is None
    assert _Ranking(NumberReader(PRICE), "absolute", None).move(values) is not None
