"""Stored values have the hashes that capture makes of equal items; covers `second_look` too.

What a second look decides is tested on real tables, in `contract/test_evolution_laws`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.evolution.rehash import Rehash


@dataclass
class Row:
    """A row with a list of its own."""

    size: str
    left: int | None = None
    note: str | None = None


@dataclass
class Offer:
    """All kinds of values."""

    sku: str
    price: Decimal | None = None
    seen: dt.datetime | None = None
    took: dt.timedelta | None = None
    mark: uuid.UUID | None = None
    data: Any = None
    url: str | None = None
    rows: list[Row] = field(default_factory=list)


DECLARED = Declarations(
    {
        Offer: {
            "key": "sku",
            "untracked": ("url", "data.at", "rows.note"),
            "exclude": ("data.raw",),
        },
        Row: {"key": "size"},
    }
).of(Offer)
assert DECLARED is not None
CAPTURE = compile_capture(DECLARED)
REHASH = Rehash(DECLARED)
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)

utc = st.datetimes(timezones=st.just(dt.timezone.utc))
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text("ab", max_size=2),
    lambda inner: st.dictionaries(st.sampled_from(["at", "raw", "x"]), inner) | st.lists(inner),
    max_leaves=5,
)
rows = st.lists(
    st.builds(Row, st.sampled_from("SML"), st.none() | st.integers(0, 3), st.none() | st.just("n")),
    unique_by=lambda row: row.size,
)
offers = st.builds(
    Offer,
    st.just("a"),
    st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.none() | utc,
    st.none() | st.timedeltas(),
    st.none() | st.uuids(),
    plain,
    st.none() | st.just("u"),
    rows,
)


@given(offers)
def test_stored_values_hash_as_they_were_captured(offer: Offer) -> None:
    """Whatever their kinds, and whatever is untracked or left out in them."""
    record = CAPTURE(offer, NOW, uuid.UUID(int=1))
    assert DECLARED is not None
    own = dict(zip((c.name for c in DECLARED.columns), record.values, strict=True))
    lists = []
    for table, (child, of_table) in enumerate(zip(DECLARED.children, record.children, strict=True)):
        names = [column.name for column in child.columns]
        hashes = [REHASH.child(table, _values(names, row.values)) for row in of_table]
        assert hashes == [row.content_hash for row in of_table]
        lists.append([row.child_id + h for row, h in zip(of_table, hashes, strict=True)])
    assert REHASH.version(own, lists) == record.content_hash
    assert REHASH.version({**own, "url": "other"}, lists) == record.content_hash
    assert REHASH.version({**own, "price": Decimal(-1)}, lists) != record.content_hash or (
        offer.price == -1
    )


def _values(names: list[str], values: tuple[Any, ...]) -> Mapping[str, Any]:
    return dict(zip(names, values, strict=True))
