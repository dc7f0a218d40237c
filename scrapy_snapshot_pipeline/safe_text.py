"""Text from anywhere, made fit for a terminal."""

from __future__ import annotations

import unicodedata

MOST = 200
"""Characters of one text."""

_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control and format characters, such as those that turn the direction, and lone surrogates."""


def printable(text: str) -> str:
    """Escape what would speak to the terminal instead of being shown; cut what is very long."""
    return escaped(text if len(text) <= MOST else f"{text[:MOST]}...")


def escaped(text: str) -> str:
    """The whole text, without what would speak to the terminal."""
    return "".join(map(_shown, text))


def counted(number: int, thing: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _HARMFUL:
        return character
    return character.encode("unicode_escape").decode("ascii")
