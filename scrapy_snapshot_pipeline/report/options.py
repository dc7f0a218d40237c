"""What a report is to show: pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

TOP = 50


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What goes in; all else is left out, and the report says so."""

    since: dt.datetime | None = None
    """Start of the time that changes are shown of; None: 7 days before the latest crawl."""
    top: int = TOP
    """Rows in each list and entities with a page, of each table; the feed has ten times as many."""
    tables: Sequence[str] = ()
    """Their names; empty: all."""
    where: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Texts that a key field may have; tables without the field are left out."""

    @property
    def feed(self) -> int:
        """Most changes in the feed."""
        return 10 * self.top
