"""Which numbers of a table are worth a chart.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scrapy_snapshot_pipeline.history import TableInfo
from scrapy_snapshot_pipeline.history.results import Fields, FieldValue
from scrapy_snapshot_pipeline.history.values import to_number

MOST = 12
"""Fields that are looked at; a crawl that stores JSON with hundreds of numbers has no end."""


def numeric_fields(info: TableInfo, samples: Iterable[Fields]) -> tuple[str, ...]:
    """Paths of declared numbers, then of those found in the JSON of `samples`; no key fields."""
    found = dict.fromkeys(path for path in info.numeric if path not in info.key)
    for values in samples:
        found.update(dict.fromkeys(_undeclared(info, values)))
    return tuple(found)


def _undeclared(info: TableInfo, values: Fields) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _inside(name, value)
        elif info.untyped and name not in info.key and not isinstance(value, str):
            yield from [name] if to_number(value) is not None else []


def _inside(path: str, value: FieldValue) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _inside(f"{path}.{name}", member)
    elif to_number(value) is not None:
        yield path
