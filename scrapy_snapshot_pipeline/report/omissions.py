"""What the page does not show."""

from __future__ import annotations

from collections.abc import Iterable


class Omissions:
    """Collects sentences for the reader, in the order in which they were noted."""

    def __init__(self) -> None:
        self._sentences: list[str] = []

    def sentences(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._sentences)

    def more(self, what: str, there: int, shown: int) -> None:
        """Note that a list is cut, if it is."""
        if there > shown:
            self._sentences.append(f"Only {shown:,} {what} are shown; there are more.")

    def tables(self, names: Iterable[str]) -> None:
        """Note the tables that were not asked for, or that lack a key field of the filter."""
        missing = ", ".join(names)
        if missing:
            self._sentences.append(f"These tables are left out: {missing}.")

    def pages(self, shown: int) -> None:
        """Note which entities have a page."""
        self._sentences.append(
            f"{shown:,} entities have a page of their own: those that moved furthest, changed "
            "last, are new or were not seen. Choose others with --key, more with --top."
        )
