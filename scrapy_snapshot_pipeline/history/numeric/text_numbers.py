"""The number in a text, as people and shops write it: "£1,299.00", "12 500 kr", "-3%".  Pure.

A text with two numbers, as "2 for 5", has none: nobody knows which is meant.  Of points and commas
the last one is the decimal sign if both are there; one that is there several times only groups.
A single comma before exactly three digits groups ("1,299"), a single point never does.
"""

from __future__ import annotations

import re
from decimal import Decimal

_SPACES = "\u0020\u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019"
_MINUS = "-\u2212\u2013"
_DIGITS = r"\d{1,15}"
_NUMBER = re.compile(
    rf"(?<![\d.,])({_DIGITS}(?:[.,{_SPACES}{_APOSTROPHES}]\d{{1,15}}){{0,8}})(?![\d])", re.ASCII
)
_GROUPED = re.compile(rf"\d{{1,3}}(?:[{_SPACES}{_APOSTROPHES}]\d{{3}})+(?:[.,]\d+)?", re.ASCII)
_SIGN = re.compile(rf"(?:^|[^\w])([{_MINUS}])\s?[^\w\s]?\s?$")
_MOST = 200
"""Characters of a text in which a number is looked for."""


def number_in(text: str) -> Decimal | None:
    """The one number in the text; None where there is none, or more than one."""
    found = list(_NUMBER.finditer(text[:_MOST]))
    if len(found) != 1:
        return None
    digits = _plain(found[0][1])
    if digits is None:
        return None
    sign = "-" if _SIGN.search(text[: found[0].start()]) else ""
    return Decimal(sign + digits)


def _plain(written: str) -> str | None:
    """With a point as its only sign; None where spaces part two numbers."""
    if re.search(rf"[{_SPACES}{_APOSTROPHES}]", written):
        if not _GROUPED.fullmatch(written):
            return None
        written = re.sub(rf"[{_SPACES}{_APOSTROPHES}]", "", written)
    signs = [character for character in written if character in ".,"]
    if not signs:
        return written
    decimal = _decimal_sign(signs, written)
    grouping = {".", ","} - {decimal}
    if any(not _groups(written, sign, decimal) for sign in grouping):
        return None
    for sign in grouping:
        written = written.replace(sign, "")
    return written.replace(decimal, ".") if decimal else written


def _decimal_sign(signs: list[str], written: str) -> str:
    """Empty: all of them group."""
    last = signs[-1]
    if signs.count(last) > 1:
        return ""
    if len(set(signs)) == 1 and last == "," and re.fullmatch(r"[1-9]\d{0,2},\d{3}", written):
        return ""
    return last


def _groups(written: str, sign: str, decimal: str) -> bool:
    """Whether the sign stands before each three digits, as where it groups."""
    whole = written.partition(decimal)[0] if decimal else written
    parts = whole.split(sign)
    return len(parts) == 1 or (
        1 <= len(parts[0]) <= 3 and all(len(part) == 3 for part in parts[1:])  # noqa: PLR2004
    )
