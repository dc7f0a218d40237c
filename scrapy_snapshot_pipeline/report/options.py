"""What a report shows.  Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

TOP = 50


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What to include; the report says what it leaves out."""

    since: dt.datetime | None = None
    """The time from which on changes are shown; None: 7 days before the latest crawl."""
    top: int = TOP
    """Most rows of each list and most entities with a page, for each table; the feed has ten times
    as many rows."""
    tables: Sequence[str] = ()
    """Their names; empty: all."""
    where: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Texts that a key field may have; tables without that field are left out."""
    fields: Sequence[str] = ()
    """Paths of the numbers that are movers and get charts; empty: those that are found."""

    @property
    def feed(self) -> int:
        """Most changes in the feed."""
        return 10 * self.top
