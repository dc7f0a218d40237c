"""Numbers over time: the path of a numeric field, the spans of its values, their mean.  Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal

from scrapy_snapshot_pipeline.declaration.tables import Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.results import Fields, FieldValue
from scrapy_snapshot_pipeline.history.values import to_number

_NUMBERS = (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)
_MEAN = Context(prec=12)
_WEIGHTS = Context(prec=60)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class NumberPath:
    """Where a number is found in an entity."""

    child: int | None
    """Index of the child table; None: in the entity itself."""
    column: str
    inside: tuple[str, ...]
    """Names of nested members in the column's JSON; empty: the column is the number."""

    def of(self, values: Fields) -> Decimal | None:
        """The number at this path; None if there is none."""
        found: FieldValue = values.get(self.column)
        for name in self.inside:
            found = found.get(name) if isinstance(found, dict) else None
        return to_number(found)


def number_path(declaration: Declaration, path: str) -> NumberPath:
    """Parse `price`, `markets.price_home` or `prices.home`.  Raises HistoryError."""
    names = tuple(path.split("."))
    child, rest = _list_of(declaration, names)
    columns = declaration.columns if child is None else declaration.children[child].columns
    column = next((c for c in columns if rest and c.name == rest[0]), None)
    if column is not None and column.kind in _NUMBERS and len(rest) == 1:
        return NumberPath(child, column.name, ())
    if column is not None and column.kind is Kind.JSON and len(rest) > 1:
        return NumberPath(child, column.name, rest[1:])
    if column is None and child is None and declaration.untyped:
        return NumberPath(None, rest[0], rest[1:])  # its fields stand in place of `data`
    raise HistoryError(_no_number(declaration, path))


def numeric_paths(declaration: Declaration) -> tuple[str, ...]:
    """The fields that are declared as numbers, including those of children."""
    return _paths(declaration, lambda c: [c.name] if c.kind in _NUMBERS else [])


def untracked_paths(declaration: Declaration) -> tuple[str, ...]:
    """The fields whose change makes no version, including those of children and inside JSON."""

    def untracked(column: Column) -> Iterator[str]:
        if column.role is Role.UNTRACKED:
            yield column.name
        # The fields of an untyped class stand in place of `data`.
        prefix = "" if declaration.untyped else f"{column.name}."
        yield from (f"{prefix}{path}" for path in column.untracked_paths)

    return _paths(declaration, untracked)


def _paths(declaration: Declaration, wanted: Callable[[Column], Iterable[str]]) -> tuple[str, ...]:
    tables: list[tuple[tuple[str, ...], Sequence[Column]]] = [((), declaration.columns)]
    tables += [(child.path, child.columns) for child in declaration.children]
    return tuple(
        ".".join((*path, name))
        for path, columns in tables
        for column in columns
        for name in wanted(column)
    )


def _list_of(
    declaration: Declaration, names: tuple[str, ...]
) -> tuple[int | None, tuple[str, ...]]:
    for length in range(len(names) - 1, 0, -1):
        for index, child in enumerate(declaration.children):
            if child.path == names[:length]:
                return index, names[length:]
    return None, names


def _no_number(declaration: Declaration, path: str) -> str:
    known = ", ".join(numeric_paths(declaration)) or "none"
    return (
        f"table {declaration.table} has no numeric field {path}; its numbers are {known}, "
        "and those inside JSON fields, written as field.name"
    )


@dataclass(frozen=True, slots=True)
class Span:
    """A value and the time from `start` to before `end`; `seen` is its last confirmation."""

    value: Decimal
    start: dt.datetime
    end: dt.datetime | None
    seen: dt.datetime


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans of the same value that follow each other without a gap become one; oldest first."""
    result: list[Span] = []
    for span in spans:
        last = result[-1] if result else None
        if last is not None and last.value == span.value and last.end == span.start:
            result[-1] = replace(last, end=span.end, seen=max(last.seen, span.seen))
        else:
            result.append(span)
    return result


def clipped(spans: Sequence[Span], start: dt.datetime, end: dt.datetime) -> list[Span]:
    """The parts between `start` and `end`; an open span ends with its last confirmation."""
    return [
        replace(span, start=max(span.start, start), end=min(span.end or span.seen, end))
        for span in spans
    ]


def mean(spans: Sequence[Span]) -> Decimal:
    """The mean of closed spans, weighted by their length; the plain mean if none has a length."""
    weights = [max((s.end or s.start) - s.start, dt.timedelta(0)) // _MICROSECOND for s in spans]
    if not any(weights):
        weights = [1] * len(spans)
    total = Decimal(0)
    for span, weight in zip(spans, weights, strict=True):
        total = _WEIGHTS.add(total, _WEIGHTS.multiply(span.value, Decimal(weight)))
    return _MEAN.plus(_WEIGHTS.divide(total, Decimal(sum(weights))))
