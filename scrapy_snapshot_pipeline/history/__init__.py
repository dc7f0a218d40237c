"""The stored history, queried from a script or a notebook; Scrapy is not needed."""

from scrapy_snapshot_pipeline.history.lazy_result import Answer
from scrapy_snapshot_pipeline.history.numeric.results import FieldStatistics, Mover, Step
from scrapy_snapshot_pipeline.history.results import (
    Change,
    ChangeKind,
    ChildChange,
    ChildKind,
    ChildState,
    Difference,
    FieldChange,
    FieldValue,
    Run,
    State,
    TableInfo,
)
from scrapy_snapshot_pipeline.history.snapshot_history import SnapshotHistory

__all__ = [
    "Answer",
    "Change",
    "ChangeKind",
    "ChildChange",
    "ChildKind",
    "ChildState",
    "Difference",
    "FieldChange",
    "FieldStatistics",
    "FieldValue",
    "Mover",
    "Run",
    "SnapshotHistory",
    "State",
    "Step",
    "TableInfo",
]
