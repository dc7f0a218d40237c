"""How a walk is cut into slices."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.store.normal_form.normalizer import Normalized, slices

SIZES = st.lists(st.tuples(st.binary(min_size=1, max_size=3), st.integers(1, 9)), max_size=20)


@given(SIZES, st.integers(1, 12))
def test_slices_hold_all_ids_in_order_and_not_too_many_rows(
    sizes: list[tuple[bytes, int]], most: int
) -> None:
    """Only an entity that is too large by itself makes a larger one; none could take one more."""
    parts = list(slices(sizes, most))
    assert [each for part in parts for each in part] == [each for each, _ in sizes]
    rest = iter(size for _, size in sizes)
    totals = [[next(rest) for _ in part] for part in parts]
    assert all(len(part) == 1 or sum(part) <= most for part in totals)
    assert all(sum(part) + after[0] > most for part, after in zip(totals, totals[1:]))  # noqa: B905, RUF007 - neighbours


def test_counts_add_up() -> None:
    """Each with its like."""
    assert Normalized(1, 2, 3) + Normalized(10, 20, 30) == Normalized(11, 22, 33)
