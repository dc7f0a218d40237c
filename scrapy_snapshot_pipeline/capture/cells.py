"""One field of one row: from the scraped value to what is stored, and how the row writes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeAlias

from scrapy_snapshot_pipeline.capture.canonical import field_text
from scrapy_snapshot_pipeline.capture.coerce import Coerce, CoerceError, coercer
from scrapy_snapshot_pipeline.capture.json_values import json_coercer
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind
from scrapy_snapshot_pipeline.records import Value

Cell: TypeAlias = tuple[Value, str]
"""The stored value, and its field for `canonical.row_bytes`: empty where the value is None."""
ReadCell: TypeAlias = Callable[[Any], Cell]
"""Raises `CoerceError`, with the field's name in its path."""

ABSENT: Cell = (None, "")


def cell_reader(column: Column, naive_timezone: dt.tzinfo | None) -> ReadCell:
    """The function for one column; both come of one look at the value."""
    coerce, write = _coercer(column, naive_timezone), field_text(column)
    step = f".{column.name}"

    def read(value: object) -> Cell:
        if value is None:
            return ABSENT
        try:
            stored = coerce(value)
        except CoerceError as error:
            raise error.inside(step) from None
        return stored, write(stored)

    return read


def _coercer(column: Column, naive_timezone: dt.tzinfo | None) -> Coerce:
    if column.kind is Kind.JSON:
        return json_coercer(column.annotation, naive_timezone)
    return coercer(column, naive_timezone)
