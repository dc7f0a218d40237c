"""Lists of observations that Hypothesis makes, and the history of such a list."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.history import ChildChange, ChildKind, FieldChange, SnapshotHistory
from tests.history.filled import TABLE, Content, Observation, at, content_of, fill

observations = st.lists(
    st.builds(
        Observation,
        name=st.sampled_from(["a", "b"]),
        second=st.integers(0, 12),
        score=st.integers(0, 2),
        markets=st.dictionaries(st.sampled_from("xyz"), st.integers(0, 5), max_size=3),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda o: (o.name, o.second),
)
in_order = observations.map(lambda seen: sorted(seen, key=lambda o: o.second))
FEW = settings(max_examples=60, deadline=None)


@contextmanager
def history_of(seen: Iterable[Observation]) -> Iterator[SnapshotHistory]:
    """The history of these observations, in a database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'snapshots.db'}"
        fill(url, seen)
        with SnapshotHistory(url) as history:
            yield history


def as_of(history: SnapshotHistory, second: int) -> dict[str, Content]:
    """Every entity's content by its name."""
    return {s.key["name"]: content_of(s) for s in history.as_of(TABLE, at(second))}


def apply(
    content: Content | None,
    fields: Iterable[FieldChange],
    children: Iterable[ChildChange],
) -> Content:
    """The content after these changes."""
    rows = dict(content["rows"]) if content else {}  # type: ignore[call-overload]
    score = content["score"] if content else None
    for change in fields:
        score = change.new if change.field == "score" else score
    for child in children:
        path = (*(v for key in child.within for v in key.values()), *child.key.values())
        if child.kind is ChildKind.REMOVED:
            del rows[path]
            continue
        row = {**child.key, **rows.get(path, {})}
        rows[path] = {**row, **{change.field: change.new for change in child.fields}}
    return {"score": score, "rows": rows}
