"""Numbers over time: the spans of their values, and their mean.  Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal

_MEAN = Context(prec=12)
_WEIGHTS = Context(prec=60)
_MICROSECOND = dt.timedelta(microseconds=1)


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
