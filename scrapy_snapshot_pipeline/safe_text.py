"""Makes text from any source safe to show in a terminal."""

from __future__ import annotations

import unicodedata

MAX_LENGTH = 200
"""In characters."""

_CUT = "..."
_AROUND = 30
"""Characters that are shown on either side of what differs in long texts."""
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control and format characters, such as those that reverse the direction, and surrogates."""


def printable(text: str) -> str:
    """The text with characters escaped that would control the terminal, cut if it is very long."""
    return escaped(text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}...")


def escaped(text: str) -> str:
    """The whole text, with characters escaped that would control the terminal."""
    return "".join(map(_escape, text))


def where_different(old: str, new: str) -> tuple[str, str]:
    """Two texts cut to the part that differs, with some of what is around it, if one is long."""
    if old == new or max(len(old), len(new)) <= MAX_LENGTH:
        return old, new
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    return _middle(old, start, end), _middle(new, start, end)


def _common(one: str, other: str) -> int:
    """How many characters are the same at the start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _middle(text: str, start: int, end: int) -> str:
    """The text without all but the last of `start` characters and the first of the `end` ones."""
    before, after = max(0, start - _AROUND), max(0, end - _AROUND)
    before = before if before > len(_CUT) else 0
    after = after if after > len(_CUT) else 0
    return f"{_CUT * bool(before)}{text[before : len(text) - after]}{_CUT * bool(after)}"


def counted(number: int, thing: str) -> str:
    """A number and a noun, such as `1 row` or `2,000 rows`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _escape(character: str) -> str:
    if unicodedata.category(character) not in _HARMFUL:
        return character
    return character.encode("unicode_escape").decode("ascii")
