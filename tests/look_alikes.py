"""Pairs of values that are easily taken for one another, and in plain words which are equal."""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5)
NAMES = st.sampled_from("abc")
NUMBERS = (
    st.integers(-3, 3)
    | st.integers(2**53 - 2, 2**53 + 2)
    | st.integers()
    | st.floats(-3, 3, width=16)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1e15, 1e16, 1e22, 1e23, 1e300, -0.0])
)
SCALARS = (
    st.none()
    | st.booleans()
    | NUMBERS
    | st.decimals(-9, 9, places=2)
    | TEXT
    | st.sampled_from(["", "0", "1", "10.0", "1.0,", "null", "true", "e+"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


def plainly(value: object) -> Hashable:
    """Equal for what is one value in JSON: a number is its value, and a Decimal is a text there."""
    if isinstance(value, dict):
        return ("dict", frozenset((name, plainly(member)) for name, member in value.items()))
    if isinstance(value, list):
        return ("list", *map(plainly, value))
    if isinstance(value, Decimal):
        return ("text", f"{value.normalize() if value else 0:f}")
    if isinstance(value, bool) or value is None:
        return ("word", value)
    if isinstance(value, (int, float)):
        return ("number", Fraction(Decimal(repr(value))))
    return ("text", value)


@st.composite
def nearly(draw: st.DrawFn, value: Any) -> Any:
    """The value with some of its members turned into what reads like them."""
    if isinstance(value, list) and value:
        return [draw(nearly(member)) for member in value]
    if isinstance(value, dict) and value:
        members = {name: draw(nearly(member)) for name, member in value.items()}
        return {n: m for n, m in members.items() if m is not None or draw(st.booleans())}
    return draw(st.just(value) | st.sampled_from(_alike(value)))


@st.composite
def pairs(draw: st.DrawFn, values: st.SearchStrategy[Any] = VALUES) -> tuple[Any, Any]:
    """Two values that are often nearly equal."""
    one = draw(values)
    return one, draw(nearly(one) | nearly(one) | values)


def _alike(value: Any) -> list[Any]:
    if value is None or value in ("", [], {}):
        return [None, "", "null", [], {}, 0, False]
    if isinstance(value, (str, list, dict)):
        return [value, [value], {"a": value}]
    others = [value, str(value), bool(value), [value]]
    if isinstance(value, Decimal):
        return [*others, float(value), Decimal(f"{value}0"), int(value)]
    if value == int(value):
        others += [int(value), int(value) + 1, Decimal(int(value))]
    return [*others, float(value), float(value) * -1.0] if abs(value) < 2**1000 else others
