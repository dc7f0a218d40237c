"""A database filled with observations, and the plain fold that its history is held to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from scrapy_snapshot_pipeline.history import ChildState, State
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.entities import Observation, at, declaration, record

TABLE = declaration().table

Content = Mapping[str, object]


def fill(url: str, observations: Iterable[Observation], *, one_by_one: bool = True) -> None:
    """Store the observations in their order."""
    records = [record(each) for each in observations]
    batches = [[each] for each in records] if one_by_one else [records]
    store = SnapshotStore(connect_engine(url, connect_timeout=10))
    try:
        store.declare([declaration()])
        for batch in batches:
            store.write(Batch(tuple(batch)))
    finally:
        store.close()


def plain_state(seen: Observation) -> Content:
    """The content of an observation, as `content_of` gives it of a stored state."""
    rows: dict[tuple[str, ...], Mapping[str, object]] = {
        (name,): {"name": name, "price": content % 3} for name, content in seen.markets.items()
    }
    selections: dict[tuple[str, ...], Mapping[str, object]] = {
        (name, "home"): {"name": "home", "odds": content // 3}
        for name, content in seen.markets.items()
    }
    return {"score": Decimal(seen.score), "rows": {**rows, **selections}}


def plain_fold(observations: Iterable[Observation], second: float) -> dict[str, Content]:
    """The last observation of each entity until that second."""
    there = sorted((o for o in observations if o.second <= second), key=lambda o: o.second)
    return {each.name: plain_state(each) for each in there}


def content_of(state: State) -> Content:
    """The tracked content of a state; its rows by the keys that lead to them."""
    rows: dict[tuple[object, ...], Mapping[str, object]] = {}
    for markets in state.children.values():
        _gather(markets, (), rows)
    return {"score": state.values["score"], "rows": rows}


def _gather(
    found: Iterable[ChildState],
    above: tuple[object, ...],
    into: dict[tuple[object, ...], Mapping[str, object]],
) -> None:
    for row in found:
        path = (*above, *row.key.values())
        into[path] = row.values
        for below in row.children.values():
            _gather(below, path, into)


__all__ = ["TABLE", "Content", "Observation", "at", "content_of", "fill", "plain_fold"]
