"""Finds the names in an option that no item of a class without types had: they may be misspelt.

Of a dotted name, which may lead into a field, the first part is looked for.
"""

from __future__ import annotations

from collections.abc import Container, Iterable


class UnseenNames:
    """The names that no item has had yet.  Looking for them ends when each was seen once."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)
        self._any_item = False

    def look(self, item: Container[str]) -> None:
        """Look at the fields of one more item."""
        self._any_item = True
        if self._names:
            self._names = [name for name in self._names if not _is_in(item, name)]

    @property
    def left(self) -> list[str]:
        """The names that are left, sorted; none where there was no item at all."""
        return list(self._names) if self._any_item else []


def _is_in(item: Container[str], name: str) -> bool:
    return name in item or name.partition(".")[0] in item
