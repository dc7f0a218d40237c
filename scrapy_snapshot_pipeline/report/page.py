"""The page as the template sees it: frozen, with its values already text.  Pure.

All times are texts in UTC.  `anchor` is the id of an entity's section; None: it has no section.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

StepPoints: TypeAlias = "tuple[float, float, float | None, float]"
"""Start, last confirmation and end (None: open), in seconds since 1970; then the value."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart."""

    label: str
    steps: tuple[StepPoints, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over one time axis."""

    title: str
    stepped: bool
    """False: one point for each crawl, on a scale that shows small and large counts together."""
    series: tuple[Series, ...]
    summary: str
    """What a reader who cannot see the chart should know."""


@dataclass(frozen=True, slots=True)
class Line:
    """One field before and after."""

    field: str
    """Its name, after the list and key of the child row, if it is in one."""
    old: str
    new: str
    percent: str
    """Empty: not a change between numbers."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: in the feed, or one version of an entity."""

    table: str
    key: str
    anchor: str | None
    kind: str
    changed_at: str
    last_confirmed_at: str
    valid_to: str
    run_at: str
    lines: tuple[Line, ...]
    more: int
    """How many more lines there are."""
    label: str = ""
    """What people know the entity by; empty: the key."""


@dataclass(frozen=True, slots=True)
class MoverRow:
    """How far one number moved."""

    table: str
    key: str
    anchor: str | None
    field: str
    old: str
    new: str
    absolute: str
    percent: str
    changed_at: str
    last_confirmed_at: str
    label: str = ""
    """What people know the entity by; empty: the key."""


@dataclass(frozen=True, slots=True)
class EntityRow:
    """One entity in a list."""

    table: str
    key: str
    anchor: str | None
    changed_at: str
    last_confirmed_at: str
    label: str = ""
    """What people know the entity by; empty: the key."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One crawl."""

    spider: str
    started_at: str
    finished_at: str
    status: str
    new: int
    changed: int
    confirmed: int
    failed: int


@dataclass(frozen=True, slots=True)
class EntityPage:
    """All about one entity."""

    anchor: str
    table: str
    key: str
    charts: tuple[Chart, ...]
    versions: tuple[Entry, ...]
    """Newest first."""
    label: str = ""
    """What people know the entity by; empty: the key."""


@dataclass(frozen=True, slots=True)
class TableCount:
    """How much happened in one table."""

    name: str
    new: str
    changed: str
    not_seen: str


@dataclass(frozen=True, slots=True)
class Page:
    """The whole report."""

    made_at: str
    since: str
    tables: tuple[TableCount, ...]
    runs: tuple[RunRow, ...]
    run_charts: tuple[Chart, ...]
    feed: tuple[Entry, ...]
    movers: tuple[MoverRow, ...]
    new: tuple[EntityRow, ...]
    not_seen: tuple[EntityRow, ...]
    entities: tuple[EntityPage, ...]
    omissions: tuple[str, ...]
    """Sentences on what is not shown."""
