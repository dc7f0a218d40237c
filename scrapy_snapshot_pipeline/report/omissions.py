"""Keeps account of what the page does not show."""

from __future__ import annotations

from collections.abc import Iterable


class Omissions:
    """Sentences for the reader, in the order in which they were noted."""

    def __init__(self) -> None:
        self._told: list[str] = []

    def told(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._told)

    def more(self, what: str, there: int, shown: int) -> None:
        """Nothing is noted where everything is shown."""
        if there > shown:
            self._told.append(f"Only {shown:,} {what} are shown; there are more.")

    def tables(self, names: Iterable[str]) -> None:
        """Tables that were not asked for, or lack a key field that was."""
        missing = ", ".join(names)
        if missing:
            self._told.append(f"Left out are the tables {missing}.")

    def pages(self, shown: int) -> None:
        """Who has a page."""
        self._told.append(
            f"{shown:,} entities have a page of their own: those that moved furthest, changed "
            "last, are new or were not seen. Choose others with --key, more with --top."
        )
