"""Which numbers are taken, and that none is taken for another one."""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.capture.coerce import to_boolean, to_text
from scrapy_snapshot_pipeline.capture.json_values import json_coercer
from scrapy_snapshot_pipeline.capture.values.coerce_error import CoerceError, expected
from scrapy_snapshot_pipeline.capture.values.numbers import (
    builtin,
    float_of,
    integer_of,
    to_decimal,
    to_float,
    to_integer,
    to_single,
)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (2**53, 9007199254740992.0),
        (-(2**53), -9007199254740992.0),
        (Decimal("0.1"), 0.1),
        (Decimal(0.1), 0.1),  # noqa: RUF032 - the binary value is what is tested
        (Decimal("51.507350900000002"), 51.5073509),
        (Decimal("1.10"), 1.1),
        (Decimal("1E+22"), 1e22),
        (Decimal("1E+23"), 1e23),
        (Decimal("0.0"), 0.0),
        ("0.30000000000000004441", 0.30000000000000004),
        ("10000000000000000000", 1e19),
        ("9007199254740993.5", 9007199254740994.0),
    ],
)
def test_a_float_takes_what_it_holds(value: Any, number: float) -> None:
    """Exactly, or as its shortest text, or to 17 digits; text as the nearest one."""
    assert to_float(value) == number


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2**53 + 1, "an int from -2**53 to 2**53"),
        (2**60, "an int from -2**53 to 2**53"),
        (Decimal(2**53 + 1), "at most 17 digits"),
        (Decimal("0.123456789012345678"), "at most 17 digits"),
        (Decimal("9007199254740993.5"), "at most 17 digits"),
        (Decimal("1E-400"), "at most 17 digits"),
        ("9007199254740993", "at most 17 digits"),
        (Decimal("1E+400"), "a finite float"),
    ],
)
def test_a_float_takes_no_number_for_another_one(value: Any, said: str) -> None:
    """With what could be declared instead."""
    with pytest.raises(CoerceError) as caught:
        to_float(value)
    assert said in caught.value.problem
    assert caught.value.cure


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_takes_every_float_in_any_form(number: float) -> None:
    """As text, as the Decimal of its text, and as the Decimal of its binary value."""
    for form in (number, repr(number), Decimal(repr(number)), Decimal(number)):
        assert to_float(form) == number


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_single_is_a_fixed_point(number: float) -> None:
    """The value that is stored is stored again as itself, and is the same float of 32 bits."""
    stored = to_single(number)
    assert to_single(stored) == stored
    assert struct.pack("<f", stored) == struct.pack("<f", number + 0.0)


def test_a_single_has_few_digits_and_a_range() -> None:
    """0.1 stays 0.1, and what 32 bits cannot hold is refused."""
    assert to_single(0.1) == to_single(0.10000000149) == 0.1
    assert math.copysign(1, to_single(-1e-50)) == 1
    assert to_single(1.4e-45) == 1e-45
    assert to_single(46418432.0) == 46418432.0  # 46418430 is half of a step away
    with pytest.raises(CoerceError) as refused:
        to_single(1e39)
    assert refused.value.problem == "expected a float within 32 bits"


@pytest.mark.parametrize("bits", [16, 32])
def test_an_int_of_few_bits_is_refused_above_and_below(bits: int) -> None:
    """With the type that takes it; what the bits hold is taken in any form."""
    read, most = integer_of(bits), 2 ** (bits - 1) - 1
    assert [read(most), read(str(most)), read(-most - 1)] == [most, most, -most - 1]
    for value in (most + 1, -most - 2, str(most + 1)):
        with pytest.raises(CoerceError) as refused:
            read(value)
        assert refused.value.problem == f"expected an int within {bits} bits"
        assert refused.value.cure == "use BigInteger, or leave the SQL type out"


class Tensor:
    """A value of a library that has types of Python's names."""


Tensor.__module__ = "numpy.random"


def test_what_numpy_has_is_named_with_it() -> None:
    """Whichever of its modules it is from."""
    assert expected("bool", Tensor()).problem == "expected bool, got numpy.Tensor"


def test_a_number_that_a_float_would_change_has_its_cure() -> None:
    """The types that keep it."""
    with pytest.raises(CoerceError) as refused:
        to_float(2**53 + 1)
    assert refused.value.problem == "expected an int from -2**53 to 2**53 for a float"
    assert refused.value.cure == "declare the field as Decimal or int, or round it"


def test_a_float_is_rounded_as_it_is_written() -> None:
    """Half up, and not more digits than there is room for."""
    rounded = float_of(5, 2)
    assert [rounded(x) for x in (0.331, 0.125, 1.005, -0.005, -0.001)] == [
        0.33,
        0.13,
        1.01,
        -0.01,
        0.0,
    ]
    with pytest.raises(CoerceError, match="at most 3 digits"):
        rounded(999.995)


class _Scalar:
    """Looks like a scalar of numpy, which need not be installed."""

    def __init__(self, value: object) -> None:
        self._value = value

    def item(self) -> object:
        """Give Python's value."""
        return self._value


def scalar(kind: str, value: object) -> Any:
    """A scalar of a class with this name, below `kind`."""
    base = type(kind, (_Scalar,), {"__module__": "numpy"})
    return type("bool" if kind == "bool" else "scalar", (base,), {"__module__": "numpy"})(value)


def test_a_scalar_of_numpy_is_its_number() -> None:
    """For every kind of number, for text, and in JSON."""
    assert to_boolean(scalar("bool", True)) is True
    assert to_integer(scalar("integer", 5)) == 5
    assert to_float(scalar("floating", 0.5)) == 0.5
    assert to_decimal(scalar("floating", 0.5)) == Decimal("0.5")
    assert to_text(scalar("integer", 5)) == "5"
    assert json_coercer(Any)([scalar("bool", False), scalar("floating", 1.5)]) == "[false,1.5]"


def test_a_bool_of_numpy_is_no_number_either() -> None:
    """And an error tells numpy's from Python's."""
    with pytest.raises(CoerceError, match="expected int, got bool"):
        to_integer(scalar("bool", True))
    with pytest.raises(CoerceError, match=r"expected bool, got numpy\.scalar"):
        to_boolean(scalar("generic", True))
    longdouble = scalar("floating", object())
    assert builtin(longdouble) is longdouble


def test_the_real_numpy() -> None:
    """Where it is installed."""
    numpy = pytest.importorskip("numpy", reason="no dependency of ours; tox env `data` has it")
    assert to_boolean(numpy.bool_(True)) is True
    assert to_integer(numpy.int64(2**63 - 1)) == 2**63 - 1
    assert to_float(numpy.float32(0.1)) == 0.10000000149011612
    assert to_decimal(numpy.float64(0.1)) == Decimal("0.1")
    assert json_coercer(Any)({"a": numpy.int8(1), "b": numpy.bool_(False)}) == '{"a":1,"b":false}'
    with pytest.raises(CoerceError):
        to_integer(numpy.uint64(2**63))
    with pytest.raises(CoerceError, match=r"got numpy\.longdouble"):
        to_float(numpy.longdouble("0.1"))
