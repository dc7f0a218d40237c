"""Results as flat rows, in which a column of ours has the same name in every row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Protocol, TypeGuard

from scrapy_snapshot_pipeline.declaration.our_names import LooseFields
from scrapy_snapshot_pipeline.history.results import Change, FlatRow, State

_OURS = frozenset({"changed_at", "last_confirmed_at", "run_at", "valid_to", "run_id"})


class HasRows(Protocol):
    """A result that can be written as flat rows."""

    def rows(self) -> Iterator[FlatRow]:
        """One or several."""


def flat_rows(results: Iterable[HasRows]) -> Iterator[FlatRow]:
    """The rows of all results, streamed.

    The results are iterated over twice where their class has no types.
    """
    reading = iter(results)
    for first in reading:
        if _is_loose(first):
            yield from _loose_rows(results, met_fields(chain([first], reading)))
            return
        yield from first.rows()


def met_fields(results: Iterable[object]) -> frozenset[str]:
    """The fields of all results that have the name of a column of ours.

    Only a class without types may have fields in one row that the others lack, so only its results
    are read for that.
    """
    met: set[str] = set()
    for result in results:
        if not _is_loose(result):
            break
        met.update(name for name in result.values if name.lower() in _OURS)
    return frozenset(met)


def _loose_rows(results: Iterable[HasRows], met: frozenset[str]) -> Iterator[FlatRow]:
    for result in results:
        yield from result.rows(met) if isinstance(result, State) else result.rows()


def _is_loose(result: object) -> TypeGuard[State | Change]:
    return isinstance(result, (State, Change)) and isinstance(result.values, LooseFields)
