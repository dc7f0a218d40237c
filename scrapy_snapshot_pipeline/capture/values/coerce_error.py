"""The error for a value that cannot become what its column holds; it never quotes the value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_CONVERT = "convert it in the spider, or change the field's type"

T = TypeVar("T")


class CoerceError(Exception):
    """What is wrong with a value, where it is, and the cure; never the value itself."""

    def __init__(self, problem: str, cure: str = _CONVERT, path: str = "") -> None:
        super().__init__(problem, cure, path)
        self.problem = problem
        self.cure = cure
        self.path = path

    def inside(self, step: str) -> CoerceError:
        """The same error, seen from one level further out; `step` is like `[3]` or `.name`."""
        return CoerceError(self.problem, self.cure, step + self.path)


def expected(what: str, value: object, cure: str = _CONVERT) -> CoerceError:
    """The error for a value of another type than `what`."""
    return CoerceError(f"expected {what}, got {_type_name(type(value))}", cure)


def unfit(what: str, cure: str = _CONVERT) -> CoerceError:
    """The error for a value that has the right type, but is not `what`."""
    return CoerceError(f"expected {what}", cure)


def unexpected(error: Exception) -> CoerceError:
    """The error for a value whose own code fails; its text may quote the value, so it is left out.

    As with an Enum whose `_missing_` raises, or a `pandas.NaT`.
    """
    problem = f"{type(error).__name__} was raised while the value was read"
    return CoerceError(problem, "correct it in the spider or in the item's class")


def or_unfit(what: str, convert: Callable[[], T]) -> T:
    """What `convert` gives; `unfit` where it raises."""
    try:
        return convert()
    except (ValueError, OverflowError):
        # The inner error is not chained, since its text may show the value.
        raise unfit(what) from None


def _type_name(found: type) -> str:
    """With the library that it is from where that has a type of Python's name, as numpy's bool."""
    library = found.__module__.partition(".")[0]
    return f"{library}.{found.__name__}" if library == "numpy" else found.__name__
