"""The annotations of a class, resolved; one that cannot be stands beside those that can."""

from __future__ import annotations

import importlib
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

_LAZY = (3, 14)
"""From this Python on, annotations are only evaluated when somebody asks for them."""


class Unresolved:
    """Stands for an annotation that names what is not there, as under TYPE_CHECKING."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def hints_of(cls: type) -> Mapping[str, Any]:
    """The annotation of each field by its name, those of base classes included."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except Exception:  # noqa: BLE001 - evaluating annotations may raise whatever they contain
        return dict(_one_by_one(cls))


def _one_by_one(cls: type) -> Iterator[tuple[str, Any]]:
    for base in reversed(cls.__mro__):
        names = vars(sys.modules.get(base.__module__, typing))
        for name, annotation in _raw(base).items():
            yield name, _resolved(name, annotation, names, dict(vars(base)))


def _raw(base: type) -> Mapping[str, Any]:
    """As they are written, where that is not evaluated yet."""
    if sys.version_info < _LAZY:
        found: Mapping[str, Any] = vars(base).get("__annotations__", {})
        return found
    library: Any = importlib.import_module("annotationlib")
    lazy: Mapping[str, Any] = library.get_annotations(base, format=library.Format.FORWARDREF)
    return lazy


def _resolved(name: str, annotation: Any, names: dict[str, Any], own: dict[str, Any]) -> Any:
    alone = types.SimpleNamespace(__annotations__={name: annotation})
    try:
        return typing.get_type_hints(alone, names, own, include_extras=True)[name]
    except Exception as error:  # noqa: BLE001 - as above
        return Unresolved(error)
