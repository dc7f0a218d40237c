"""The errors for rows that cannot be read: which field it was, and never its value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scrapy_snapshot_pipeline.capture.values.coerce_error import CoerceError, unexpected
from scrapy_snapshot_pipeline.records import Value


def no_key(name: str) -> CoerceError:
    """The error for a part of the key that is not there."""
    cure = "fill it in the spider, or drop the item before this pipeline"
    return CoerceError("a key field is missing or None", cure, f".{name}")


def never_set(item: object, names: Sequence[str]) -> CoerceError:
    """The error for an item that lacks one of these attributes."""
    unset = next((f".{name}" for name in names if not hasattr(item, name)), "")
    return CoerceError("the field was never set", "set it, or give the field a default", unset)


def unreadable(item: object, names: Sequence[str]) -> CoerceError:
    """The error for an item of which reading a field fails; that field is read once more."""
    for name in names:
        try:
            getattr(item, name)
        except Exception as error:  # noqa: BLE001, PERF203 - a property may raise anything
            return unexpected(error).inside(f".{name}")
    return CoerceError("a field could not be read", "correct it in the item's class")


def lone_surrogates(names: Sequence[str], values: Sequence[Value]) -> CoerceError:
    """The error for a row that cannot be encoded."""
    return _bad_text("lone surrogates", names, values, _has_surrogate)


def refuse_nul(names: Sequence[str], values: Sequence[Value]) -> None:
    r"""Raise if a text has a NUL; a harmless backslash before "u0000" is encoded alike."""
    if any(isinstance(value, str) and _has_nul(value) for value in values):
        raise _bad_text("NUL characters", names, values, _has_nul)


def _bad_text(
    what: str, names: Sequence[str], values: Sequence[Value], is_bad: Callable[[str], bool]
) -> CoerceError:
    named = zip(names, values, strict=True)
    bad = (f".{name}" for name, value in named if isinstance(value, str) and is_bad(value))
    return CoerceError(f"expected text without {what}", "remove them in the spider", next(bad, ""))


def _has_nul(text: str) -> bool:
    return "\x00" in text


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
