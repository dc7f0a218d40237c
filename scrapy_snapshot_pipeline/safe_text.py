"""Makes text from any source safe to show in a terminal."""

from __future__ import annotations

import unicodedata

MAX_LENGTH = 200
"""In characters."""

_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control and format characters, such as those that reverse the direction, and surrogates."""


def printable(text: str) -> str:
    """The text with characters escaped that would control the terminal, cut if it is very long."""
    return escaped(text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}...")


def escaped(text: str) -> str:
    """The whole text, with characters escaped that would control the terminal."""
    return "".join(map(_escape, text))


def counted(number: int, thing: str) -> str:
    """A number and a noun, such as `1 row` or `2,000 rows`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _escape(character: str) -> str:
    if unicodedata.category(character) not in _HARMFUL:
        return character
    return character.encode("unicode_escape").decode("ascii")
