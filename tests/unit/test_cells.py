"""The two looks by hand give what the general way gives."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline import cells
from scrapy_snapshot_pipeline.cells import cell_reader
from scrapy_snapshot_pipeline.coerce import CoerceError
from scrapy_snapshot_pipeline.tables import Column, Kind, Role

scraped = st.none() | st.text() | st.decimals() | st.integers() | st.floats() | st.booleans()


def outcome(read: cells.ReadCell, value: object) -> tuple[str, ...]:
    """Cell or error, by type and text, since equal decimals may differ in their zeros."""
    try:
        stored, text = read(value)
    except CoerceError as error:
        return ("refused", *error.args)
    return (type(stored).__name__, str(stored), text)


@given(scraped)
def test_a_text_is_read_as_in_the_general_way(value: object) -> None:
    """Whatever was scraped for it."""
    column = Column('say "x"', Kind.TEXT, Role.TRACKED)
    general = cells._general(column, None)
    assert outcome(cell_reader(column, None), value) == outcome(general, value)


@given(scraped | st.decimals(places=3) | st.just(Decimal("1E+999999")) | st.just(Decimal("-0.00")))
def test_a_decimal_is_read_as_in_the_general_way(value: object) -> None:
    """Whatever was scraped for it."""
    column = Column("price", Kind.DECIMAL, Role.TRACKED)
    general = cells._general(column, None)
    assert outcome(cell_reader(column, None), value) == outcome(general, value)


def test_none_is_absent_and_has_no_text() -> None:
    """By hand, in the general way, and in JSON."""
    for kind in (Kind.TEXT, Kind.DECIMAL, Kind.INTEGER, Kind.JSON):
        assert cell_reader(Column("x", kind, Role.TRACKED), None)(None) == cells.ABSENT
