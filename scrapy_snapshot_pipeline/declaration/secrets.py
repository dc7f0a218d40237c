"""Finds the secrets of pydantic in an annotation, also in items that are nested in it."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from itemadapter import ItemAdapter

from scrapy_snapshot_pipeline.declaration.field_types import FieldType, is_secret, unwrap

FieldsOf: TypeAlias = "Callable[[type], Mapping[str, FieldType] | None]"


def secrets_in(annotation: Any, fields_of: FieldsOf, *within: type) -> Iterator[str]:
    """The dotted names that lead to secrets, from an unwrapped annotation; empty: it is one.

    `within` are the classes around it, for one that contains itself.
    """
    if is_secret(annotation):
        yield ""
        return
    for member in typing.get_args(annotation):
        yield from secrets_in(unwrap(member)[0], fields_of, *within)
    # On Python 3.10, `list[int]` is an instance of type.
    is_class = isinstance(annotation, type) and typing.get_origin(annotation) is None
    if not is_class or annotation in within:
        return
    if ItemAdapter.is_item_class(annotation):
        for name, field in (fields_of(annotation) or {}).items():
            for inside in secrets_in(field.annotation, fields_of, *within, annotation):
                yield f"{name}.{inside}" if inside else name
