"""What one table has to show, and who of it gets a page.  Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import TypeAlias

from scrapy_snapshot_pipeline.history import Change, Mover, State, TableInfo

Place: TypeAlias = "tuple[str, uuid.UUID]"
"""Table and entity."""
Anchors: TypeAlias = "dict[Place, str]"
"""Ids of the entities' sections in the page."""


@dataclass(frozen=True, slots=True)
class TableData:
    """The answers for one table; a list has one more than is shown where there are more."""

    info: TableInfo
    fields: tuple[str, ...]
    """Paths of its numbers."""
    changes: Sequence[Change]
    movers: Sequence[tuple[str, Mover]]
    """With the field that moved."""
    new: Sequence[Change]
    not_seen: Sequence[State]
    new_count: int
    not_seen_count: int

    def all(self) -> Iterator[Mover | Change | State]:
        """Who gets a page first: what moved furthest, changed last, is new, was not seen.

        In turn, since any of these lists may be longer than there are pages.
        """
        movers = [mover for _, mover in self.movers]
        for turn in zip_longest(movers, self.changes, self.new, self.not_seen):
            yield from (answer for answer in turn if answer is not None)


def place_of(answer: Mover | Change | State) -> Place:
    """The entity that it is about."""
    return answer.table, answer.entity_id


def name_anchors(found: Iterable[TableData], top: int) -> Anchors:
    """A section for up to `top` entities of each table."""
    anchors: Anchors = {}
    for each in found:
        for place in islice(dict.fromkeys(map(place_of, each.all())), top):
            anchors[place] = f"e{len(anchors) + 1}"
    return anchors
