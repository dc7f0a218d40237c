"""Converts one scraped value into the stored value and its field in the row's encoding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeAlias

from scrapy_snapshot_pipeline.capture.canonical import field_text
from scrapy_snapshot_pipeline.capture.coerce import Coerce, coercer
from scrapy_snapshot_pipeline.capture.dotted_names import parted, without
from scrapy_snapshot_pipeline.capture.json_values import json_coercer, plain_reader, to_json
from scrapy_snapshot_pipeline.capture.values.coerce_error import CoerceError, unexpected
from scrapy_snapshot_pipeline.capture.values.notices import Notices, Notify, silent
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind
from scrapy_snapshot_pipeline.records import Value

ConvertField: TypeAlias = Callable[[Any], tuple[Value, str]]
"""Takes a scraped value, and gives the stored value and its field for `canonical.row_bytes`, empty
where the value is None.  Raises `CoerceError`, with the field's name in its path."""
ConvertParts: TypeAlias = Callable[[Any], tuple[Value, str, str]]
"""The same for a column in which something is untracked, whose field comes last."""


def field_converter(
    column: Column, naive_timezone: dt.tzinfo | None, notify: Notify = silent
) -> ConvertField:
    """The function that converts any value of one column."""
    coerce = _coercer(column, naive_timezone, _of_field(column, notify))
    write, step = field_text(column), f".{column.name}"

    def convert(value: object) -> tuple[Value, str]:
        if value is None:
            return None, ""
        try:
            stored = coerce(value)
        except CoerceError as error:
            raise error.inside(step) from None
        except Exception as error:  # noqa: BLE001 - a class of the user's may raise anything
            raise unexpected(error).inside(step) from None
        return stored, write(stored)

    return convert


def parts_converter(
    column: Column, naive_timezone: dt.tzinfo | None, notify: Notify = silent
) -> ConvertParts:
    """The function for a JSON column with untracked paths."""
    notices, write, step = _of_field(column, notify), field_text(column), f".{column.name}"
    plain = _without_excluded(column, plain_reader(column.annotation, naive_timezone, notices))

    def texts(value: object) -> tuple[str, str, str]:
        whole = plain(value)
        tracked, untracked = parted(whole, column.untracked_paths)
        return to_json(whole), to_json(tracked), to_json(untracked) if untracked else ""

    def convert(value: object) -> tuple[Value, str, str]:
        if value is None:
            return None, "", ""
        try:
            stored, tracked, untracked = texts(value)
        except CoerceError as error:
            raise error.inside(step) from None
        except Exception as error:  # noqa: BLE001 - as above
            raise unexpected(error).inside(step) from None
        return stored, write(tracked), write(untracked) if untracked else ""

    return convert


def _coercer(column: Column, naive_timezone: dt.tzinfo | None, notify: Notices) -> Coerce:
    if column.kind is not Kind.JSON:
        return coercer(column, naive_timezone, notify)
    return _without_excluded(column, json_coercer(column.annotation, naive_timezone, notify))


def _without_excluded(column: Column, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    paths = column.excluded_paths
    return (lambda value: read(without(value, paths))) if paths else read


def _of_field(column: Column, notify: Notify) -> Notices:
    return lambda notice: notify(notice, f".{column.name}")
