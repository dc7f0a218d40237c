"""What is declared beside what is stored; covers `rules`, of which it shows what is refused."""

from __future__ import annotations

from dataclasses import replace

from scrapy_snapshot_pipeline.declaration.tables import Kind, Role
from scrapy_snapshot_pipeline.evolution.comparison import Compared, compared
from tests.unit.evolution.test_shapes import OFFER, ONLY_PRICE, PRICE, SHOP, SKU


def changes(rows: list[Compared]) -> dict[str, str]:
    """What becomes of each column, by its table and name; without those that do not change."""
    return {f"{row.table}.{row.column}": row.change for row in rows if row.change}


def test_what_is_not_there_is_created() -> None:
    """Table by table."""
    assert set(changes(list(compared(None, ONLY_PRICE))).values()) == {"table is created"}
    found = changes(list(compared(ONLY_PRICE, OFFER)))
    assert found["offer.shop"] == "column is added"
    assert found["offer_rows.size"] == "table is created"


def test_what_the_class_lost_stays() -> None:
    """And what it has is shown unchanged."""
    rows = list(compared(OFFER, ONLY_PRICE))
    assert changes(rows)["offer.shop"] == "stays in the table, unused"
    assert Compared("offer", "price", "decimal", "decimal", "") in rows
    assert Compared("offer", "shop", "text (5)", "-", "stays in the table, unused") in rows


def test_another_role_or_limit_goes_on() -> None:
    """From the next crawl."""
    other = replace(OFFER, columns=(SKU, replace(SHOP, length=9, role=Role.UNTRACKED), PRICE))
    [row] = [row for row in compared(OFFER, other) if row.change]
    assert row == Compared(
        "offer", "shop", "text (5)", "text (9), untracked", "goes on as declared"
    )


def test_what_is_refused_is_said() -> None:
    """With what was and what is."""
    other = replace(OFFER, columns=(SKU, SHOP, replace(PRICE, kind=Kind.INTEGER)))
    rows = [row for row in compared(OFFER, other) if row.change]
    assert [row.change for row in rows] == ["refused", "refused"]
    assert rows[1].column == "column price"
    keyed = replace(OFFER, columns=(SKU, replace(SHOP, role=Role.KEY), PRICE))
    assert "refused" in changes(list(compared(OFFER, keyed))).values()
