"""Any classes, in any order, side by side: the history is that of a plain fold that knows them."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.history import SnapshotHistory
from tests.contract.evolving import Class, Crawler, Row, outcomes

NAMES = ("one", "two", "three")
ROW_NAMES = ("left", "tag")
tables = map("evolving_{}".format, itertools.count())


class Shape(NamedTuple):
    """What a class has: of each field whether it is tracked, and the same of its list's."""

    fields: frozenset[tuple[str, bool]]
    rows: frozenset[tuple[str, bool]] | None

    def tracked(self) -> set[str]:
        """The names of the tracked fields."""
        return {name for name, tracked in self.fields if tracked}

    def tracked_in_rows(self) -> set[str]:
        """The same of the list's."""
        return {name for name, tracked in self.rows or () if tracked}

    def as_class(self, table: str) -> Class:
        """The class that is declared so."""
        made: dict[str, Any] = dict.fromkeys((name for name, _ in sorted(self.fields)), int)
        untracked = tuple(name for name, tracked in sorted(self.fields) if not tracked)
        if self.rows is not None:
            own = {"size": str, **dict.fromkeys((name for name, _ in sorted(self.rows)), int)}
            beside = tuple(name for name, tracked in sorted(self.rows) if not tracked)
            made["rows"] = Row(own, options={"untracked": beside})
        return Class(made, {"untracked": untracked, "table": table})


NOTHING = Shape(frozenset(), None)


class Look(NamedTuple):
    """One observation: by which class, and what it sees."""

    shape: Shape
    values: Mapping[str, int | None]
    rows: Mapping[str, Mapping[str, int | None]]

    def item(self) -> dict[str, Any]:
        """What the crawl is given, of which its class takes what it knows."""
        return {
            "sku": "a",
            **self.values,
            "rows": [{"size": size, **row} for size, row in sorted(self.rows.items())],
        }


def _chosen(names: Sequence[str]) -> st.SearchStrategy[frozenset[tuple[str, bool]]]:
    some = st.dictionaries(st.sampled_from(names), st.booleans())
    return some.map(lambda chosen: frozenset(chosen.items()))


values = st.sampled_from([None, 1, 2])
shapes = st.builds(Shape, _chosen(NAMES), st.none() | _chosen(ROW_NAMES))
rows = st.dictionaries(
    st.sampled_from("LM"), st.fixed_dictionaries(dict.fromkeys(ROW_NAMES, values))
)


@st.composite
def stories(draw: st.DrawFn) -> list[Look]:
    """Few classes and few contents, so that both come again."""
    some = draw(st.lists(shapes, min_size=2, max_size=4))
    contents = draw(
        st.lists(
            st.tuples(st.fixed_dictionaries(dict.fromkeys(NAMES, values)), rows),
            min_size=1,
            max_size=3,
        )
    )
    looks = st.builds(
        lambda shape, content: Look(shape, *content),
        st.sampled_from(some),
        st.sampled_from(contents),
    )
    return draw(st.lists(looks, min_size=2, max_size=8))


@dataclass
class Fold:
    """One entity's history, by comparing what is seen with what is stored."""

    numbers: dict[Shape, int] = field(default_factory=dict)
    stored: dict[str, int | None] | None = None
    rows: dict[str, dict[str, int | None]] = field(default_factory=dict)
    """Those of the newest version.  A class without the list leaves them alone."""
    shape: Shape = NOTHING
    """The newest class that has seen the newest version."""
    told: list[tuple[str, bool]] = field(default_factory=list)
    """Of each observation: its outcome, and whether it was an extension."""

    def see(self, look: Look) -> None:
        """Take the next observation."""
        number = self.numbers.setdefault(look.shape, len(self.numbers) + 1)
        seen = {name: look.values[name] for name, _ in look.shape.fields}
        rows = {
            size: {name: row[name] for name, _ in look.shape.rows or ()}
            for size, row in (look.rows.items() if look.shape.rows is not None else ())
        }
        if self.stored is None:
            self._store(look.shape, seen, rows, ("inserted", False))
        elif self._equal(look.shape, look.shape, seen, rows):
            self.told.append(("confirmed", False))
            if number > self.numbers[self.shape]:
                self.shape = look.shape
        else:
            new_only = self.shape != look.shape and self._equal(self.shape, look.shape, seen, rows)
            self._store(look.shape, seen, rows, ("revised", new_only))

    def _equal(
        self,
        one: Shape,
        other: Shape,
        seen: Mapping[str, int | None],
        rows: Mapping[str, Mapping[str, int | None]],
    ) -> bool:
        """Whether what is stored equals what is seen in all that both classes track."""
        assert self.stored is not None
        names = one.tracked() & other.tracked()
        if any(self.stored.get(name) != seen.get(name) for name in names):
            return False
        if one.rows is None or other.rows is None:
            return True
        names = one.tracked_in_rows() & other.tracked_in_rows()
        before, now = (
            {size: {name: row.get(name) for name in names} for size, row in each.items()}
            for each in (self.rows, rows)
        )
        return before == now

    def _store(
        self,
        shape: Shape,
        seen: dict[str, int | None],
        rows: Mapping[str, Mapping[str, int | None]],
        told: tuple[str, bool],
    ) -> None:
        self.told.append(told)
        self.stored, self.shape = seen, shape
        if shape.rows is not None:
            kept = {
                size: row for size, row in self.rows.items() if self._is_same(shape, size, rows)
            }
            self.rows = {**{size: dict(row) for size, row in rows.items()}, **kept}

    def _is_same(
        self, shape: Shape, size: str, rows: Mapping[str, Mapping[str, int | None]]
    ) -> bool:
        """An unchanged row stays as it was stored, with what other classes saw of it."""
        names, before = shape.tracked_in_rows(), self.rows[size]
        return size in rows and all(before.get(name) == rows[size].get(name) for name in names)


def tell(url: str, story: Sequence[Look], table: str, *, side_by_side: bool) -> list[Any]:
    """What a store makes of it: outcomes and extensions."""
    told = []
    with ExitStack() as stack:
        running: dict[Shape, Crawler] = {}
        for second, look in enumerate(story):
            if look.shape not in running or not side_by_side:
                crawler = closing(Crawler(url, look.shape.as_class(table)))
                running[look.shape] = stack.enter_context(crawler)
            result = running[look.shape].crawl(second, [look.item()])
            [outcome] = outcomes(result)
            told.append((outcome, bool(result.extended)))
    return told


def check(url: str, story: Sequence[Look], *, side_by_side: bool) -> None:
    """The fold and the store agree, and whatever changed can be shown."""
    fold = Fold()
    for look in story:
        fold.see(look)
    table = next(tables)
    assert tell(url, story, table, side_by_side=side_by_side) == fold.told
    with SnapshotHistory(url) as history:
        changes = list(history.changes(table, newest_first=False))
        revised = [told for told in fold.told if told == ("revised", False)]
        assert len(changes) == 1 + len(revised)
        assert history.changes(table, extended=True).count() == fold.told.count(("revised", True))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(stories(), st.booleans())
def test_classes_alternate_on_sqlite(story: Sequence[Look], side_by_side: bool) -> None:
    """Each crawl begins anew, or they run beside each other."""
    with tempfile.TemporaryDirectory() as folder:
        check(f"sqlite:///{Path(folder) / 'laws.db'}", story, side_by_side=side_by_side)


@pytest.mark.postgresql
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(stories(), st.booleans())
def test_classes_alternate_on_postgresql(
    postgresql_url: str,
    story: Sequence[Look],
    side_by_side: bool,
) -> None:
    """The same."""
    check(postgresql_url, story, side_by_side=side_by_side)
