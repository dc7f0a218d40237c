"""What one table has to show, and which of its entities get a page.  Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from types import MappingProxyType
from typing import TypeAlias

from scrapy_snapshot_pipeline.history import Change, Mover, State, TableInfo
from scrapy_snapshot_pipeline.report.formatting import value_text

EntityRef: TypeAlias = "tuple[str, uuid.UUID]"
"""Table and entity."""
Anchors: TypeAlias = "dict[EntityRef, str]"
"""Ids of the entities' sections in the page."""
Labels: TypeAlias = Mapping[EntityRef, str]
"""What people know entities by."""
NO_LABELS: Labels = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TableData:
    """The results for one table; a list that is cut has one more than is shown."""

    info: TableInfo
    fields: tuple[str, ...]
    """Paths of its numbers."""
    changes: Sequence[Change]
    movers: Sequence[tuple[str, Mover]]
    """With the field that moved."""
    signed_fields: frozenset[str]
    """Those whose values cross zero, where a percentage says little."""
    new: Sequence[Change]
    not_seen: Sequence[State]
    new_count: int
    not_seen_count: int
    change_count: int
    """All changes; new entities are among them."""

    def all(self) -> Iterator[Mover | Change | State]:
        """The results in the order in which their entities get a page.

        The lists take turns, because any one of them may be longer than there are pages: movers
        first, then changes, new entities and those that were not seen.
        """
        movers = [mover for _, mover in self.movers]
        for turn in zip_longest(movers, self.changes, self.new, self.not_seen):
            yield from (result for result in turn if result is not None)


def entity_ref(result: Mover | Change | State) -> EntityRef:
    """The entity that a result is about."""
    return result.table, result.entity_id


def name_anchors(tables: Iterable[TableData], top: int) -> Anchors:
    """A section for each of up to `top` entities of each table."""
    anchors: Anchors = {}
    for data in tables:
        for entity in islice(dict.fromkeys(map(entity_ref, data.all())), top):
            anchors[entity] = f"e{len(anchors) + 1}"
    return anchors


def labels_of(tables: Iterable[TableData]) -> Labels:
    """The newest label in the results; none for an entity that has none, or only moved."""
    labels: dict[EntityRef, str] = {}
    for data in tables:
        field = data.info.label
        if field is None:
            continue
        results: Iterator[State | Change] = chain(data.not_seen, data.changes, data.new)
        for result in results:
            label = result.values.get(field)
            if label is not None and label != "" and not isinstance(label, (dict, list)):
                labels.setdefault(entity_ref(result), value_text(label))
    return labels
