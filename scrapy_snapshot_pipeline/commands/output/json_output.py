"""Results as JSON: exact, one a line, and harmless on a terminal."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from scrapy_snapshot_pipeline.records import seconds_text


def json_line(value: object) -> str:
    """A value as one line of JSON, without the line's end.

    Decimals are strings, since a JSON number would lose digits; times are in UTC; bytes are base64.
    """
    text = json.dumps(plain(value), ensure_ascii=False)
    return text if text.isprintable() else "".join(map(_harmless, text))


def plain(value: object) -> Any:
    """A result made of what `json` can write."""
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return plain_text(value)


def plain_text(value: object) -> str:
    """A single value as exact text, the same on every machine."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.timezone.utc).isoformat()
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return seconds_text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return _other_text(value)


def _other_text(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, enum.Enum):
        return str(value.value)
    return json_line(value) if isinstance(value, (dict, list, tuple)) else str(value)


def _harmless(character: str) -> str:
    # Inside a JSON string an escape means the same as the character.
    if character.isprintable():
        return character
    return json.dumps(character)[1:-1] if character != "\x7f" else "\\u007f"
