"""What the commands are asked about the databases of release 0.1.0."""

from __future__ import annotations

TABLES = ("offer", "note", "classic_items")

_OFFER = ("--table", "offer")
_EVER = ("--since", "2020-01-01")
_ALL = ("--limit", "0")


def _one_offer(number: int) -> tuple[str, ...]:
    return ("history", *_OFFER, "--key", "shop=north", "--key", f"id={number}")


QUESTIONS: dict[str, tuple[str, ...]] = {
    "tables": ("tables",),
    "runs": ("runs",),
    **{f"show {table}": ("show", "--table", table, *_ALL) for table in TABLES},
    **{f"history offer {number}": _one_offer(number) for number in (3, 5, 7)},
    "history note 1": ("history", "--table", "note", "--key", "shop=north", "--key", "id=1"),
    **{f"changes {table}": ("changes", "--table", table, *_EVER, *_ALL) for table in TABLES},
    "changes since last": ("changes", *_OFFER, "--since", "last", *_ALL),
    "diff": ("diff", "last~2", "last~1", *_OFFER),
    "as-of": ("as-of", "last~2", *_OFFER),
    "movers": ("movers", "price", *_OFFER, *_EVER),
    "movers variants": ("movers", "variants.price", *_OFFER, *_EVER),
    "stats": ("stats", "price", "--table", "note"),
}
"""Each with `--json`, by the name of its answer."""

EXPORTS: dict[str, tuple[str, ...]] = {
    **{f"export {table} current": ("--table", table) for table in TABLES},
    **{f"export {table} versions": ("--table", table, "--versions") for table in TABLES},
}
"""Each into a CSV file, by the name of its answer."""
