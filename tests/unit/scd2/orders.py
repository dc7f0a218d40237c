"""The orders of arrival for which the fold is promised."""

from __future__ import annotations

from collections.abc import Sequence

from scrapy_snapshot_pipeline.records import seen_at
from tests.unit.scd2.entity import Seen, second
from tests.unit.scd2.fold import Span
from tests.unit.scd2.memory import Memory


def promised(observations: Sequence[Seen]) -> list[Seen]:
    """Those that come in an order for which the fold is promised; the others are left out."""
    memory = Memory()
    taken: list[Seen] = []
    for one in observations:
        if _is_promised(memory, taken, one):
            memory.send(one)
            taken.append(one)
    return taken


def _is_promised(memory: Memory, taken: Sequence[Seen], one: Seen) -> bool:
    """Not an observation of other content at t in a row that took an equal one at some s >= t.

    Unless each such s >= seen_at > t.
    """
    for version in memory.lasting():
        content = memory.contents[version.snapshot_id]
        span = Span(content, second(version.valid_from) or 0, second(version.valid_to))
        if span.contains(one.second) and content != one.content:
            of_row = second(seen_at(version.snapshot_id)) or 0
            equal = [o.second for o in taken if o.content == content and span.contains(o.second)]
            return all(s >= of_row > one.second for s in equal if s >= one.second)
    return True
