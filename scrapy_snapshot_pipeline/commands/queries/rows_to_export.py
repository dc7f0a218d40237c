"""What is exported: results, and their flat rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from scrapy_snapshot_pipeline.commands.time_arguments import Moment
from scrapy_snapshot_pipeline.history import Answer, Change, ChangeKind, SnapshotHistory, State
from scrapy_snapshot_pipeline.history.lazy_result import HasRows
from scrapy_snapshot_pipeline.history.results import FlatRow


def results_of(
    history: SnapshotHistory,
    table: str,
    where: Mapping[str, Sequence[str]],
    at: Moment | None,
    *,
    versions: bool,
) -> Answer[HasRows]:
    """All changes, else the state at a time, by default the current one."""
    if versions:
        return history.changes(table, where=where, newest_first=False)
    if at is not None:
        return history.as_of(table, at, where=where)
    return history.current(table, where=where)


def is_exported(result: HasRows) -> bool:
    """Not a retirement: it tells nothing that its version does not."""
    return not (isinstance(result, Change) and result.kind is ChangeKind.RETIRED)


def rows_of(results: Iterable[HasRows], list_name: str | None) -> Iterator[FlatRow]:
    """Rows with every field in a column of its own; or those of the lists."""
    for result in results:
        if isinstance(result, State) and list_name is not None:
            yield from result.child_rows(list_name)
        elif isinstance(result, Change):
            yield _version_row(result)
        else:
            yield from result.rows()


def _version_row(change: Change) -> FlatRow:
    return {
        **change.values,
        "changed_at": change.changed_at,
        "last_confirmed_at": change.last_confirmed_at,
        "run_at": change.run_at,
        "valid_to": change.valid_to,
        "run_id": change.run_id,
    }
