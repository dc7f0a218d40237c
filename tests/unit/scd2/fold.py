"""The plain fold that the law must come to: what was seen, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from scrapy_snapshot_pipeline.records import Outcome
from tests.unit.scd2.entity import Seen

T = TypeVar("T")


class Span(NamedTuple):
    """A value, and from when to when it is valid."""

    value: Any  # a generic NamedTuple needs Python 3.11
    start: int
    end: int | None

    def contains(self, second: int) -> bool:
        """Whether it is valid then."""
        return self.start <= second and (self.end is None or second < self.end)


def spans(values: Iterable[tuple[int, T]]) -> list[Span]:
    """Each value is valid until another one is seen."""
    found: list[Span] = []
    for second, value in sorted(values, key=lambda each: each[0]):
        if found and found[-1].value == value:
            continue
        if found:
            found[-1] = found[-1]._replace(end=second)
        found.append(Span(value, second, None))
    return found


def versions(observations: Sequence[Seen]) -> list[Span]:
    """What the entity was, and when."""
    return spans(observations)


def rows(observations: Sequence[Seen], child: str) -> list[Span]:
    """What a child was, and when, without the times when it was not there."""
    values = [(one.second, dict(one.content.children).get(child)) for one in observations]
    return [
        Span(span.value, span.start, span.end) for span in spans(values) if span.value is not None
    ]


def last_confirmed(observations: Sequence[Seen], span: Span) -> int:
    """When the content was last seen within its time."""
    return max(one.second for one in observations if span.contains(one.second))


def outcome(before: Sequence[Seen], one: Seen, *, repeats: bool) -> Outcome:
    """What becomes of an observation that arrives after others.

    `repeats`: the record just before it in the batch was equal.
    """
    if not before:
        return Outcome.INSERTED
    if not any(_span_of(before, one).contains(other.second) for other in before):
        return Outcome.REVISED
    return Outcome.COALESCED if repeats else Outcome.CONFIRMED


def is_late(before: Sequence[Seen], one: Seen) -> bool:
    """Whether an observation becomes a version of the past."""
    own = outcome(before, one, repeats=False) is Outcome.REVISED
    return own and _span_of(before, one).end is not None


def _span_of(before: Sequence[Seen], one: Seen) -> Span:
    return next(s for s in versions([*before, one]) if s.contains(one.second))
