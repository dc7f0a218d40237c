"""Text that may be shown in a terminal."""

from __future__ import annotations

import pytest

from scrapy_snapshot_pipeline.safe_text import (
    MAX_LENGTH,
    counted,
    escaped,
    printable,
    where_different,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, é, 中, 😀", "plain text, é, 中, 😀"),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2028", r"\u2028"),
        ("\ud800", r"\ud800"),
        ("\x9b", r"\x9b"),
    ],
)
def test_characters_that_control_the_terminal_are_escaped(text: str, shown: str) -> None:
    """And no others."""
    assert escaped(text) == printable(text) == shown


def test_only_a_printable_text_is_cut() -> None:
    """And says so by dots."""
    fits, longer = "x" * MAX_LENGTH, "x" * (MAX_LENGTH + 1)
    assert printable(fits) == fits
    assert printable(longer) == f"{fits}..."
    assert escaped(longer) == longer


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12_345, "12,345 rows")]
)
def test_a_counted_noun_has_its_plural(number: int, text: str) -> None:
    """Only one is singular."""
    assert counted(number, "row") == text


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("red", "blue", ("red", "blue")),
        (
            "x" * 300 + "red",
            "x" * 300 + "blue",
            ("..." + "x" * 30 + "red", "..." + "x" * 30 + "blue"),
        ),
        (
            "red" + "x" * 300,
            "blue" + "x" * 300,
            ("red" + "x" * 30 + "...", "blue" + "x" * 30 + "..."),
        ),
        ("x" * 300, "x" * 300 + "!", ("..." + "x" * 30, "..." + "x" * 30 + "!")),
        ("aa" * 200, "a" * 399, ("..." + "a" * 31, "..." + "a" * 30)),
        ("a" * 20 + "b" * 300, "a" * 20 + "c" * 300, ("a" * 20 + "b" * 300, "a" * 20 + "c" * 300)),
    ],
)
def test_long_texts_are_cut_to_where_they_differ(
    old: str, new: str, shown: tuple[str, str]
) -> None:
    """With some of what is around it; a reader who sees two equal halves learns nothing."""
    assert where_different(old, new) == shown
