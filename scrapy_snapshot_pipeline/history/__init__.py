"""Questions to the stored history, from a script or a notebook; nothing of Scrapy is needed."""

from scrapy_snapshot_pipeline.history.answer import Answer
from scrapy_snapshot_pipeline.history.answers import (
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
from scrapy_snapshot_pipeline.history.number_answers import FieldStatistics, Mover, Step
from scrapy_snapshot_pipeline.history.questions import SnapshotHistory

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
