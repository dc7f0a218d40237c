"""The hashes that stored values have under another shape than the one they were stored under.

They are those that capture makes of equal scraped values, by the law in `capture.canonical`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from scrapy_snapshot_pipeline.capture.canonical import (
    Render,
    canonical_json,
    encode_path,
    field_text,
    read_json,
    record_hash,
    row_bytes,
    row_hash,
    row_order,
)
from scrapy_snapshot_pipeline.capture.dotted_names import parted, without
from scrapy_snapshot_pipeline.declaration.tables import Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.records import ChildRecord, SnapshotRecord, Value

Values: TypeAlias = Mapping[str, Value]
"""A row by the names of its columns; one that is missing counts as None."""
_Encode: TypeAlias = Callable[[Values], bytes]


class Rehash:
    """Hashes rows of one declaration's tables, by the fields that it tracks."""

    def __init__(self, declaration: Declaration) -> None:
        self._names = [column.name for column in declaration.columns]
        self._child_names = [[c.name for c in child.columns] for child in declaration.children]
        self._own = _tracked_row(declaration.columns)
        self._of_children = [_tracked_row(child.columns) for child in declaration.children]
        paths = [child.path for child in declaration.children]
        order = sorted(range(len(paths)), key=lambda index: paths[index])
        self._lists = [(encode_path(paths[index]), index) for index in order]

    def record(self, record: SnapshotRecord) -> SnapshotRecord:
        """The record with the hashes that it has under this declaration; its id stays."""
        children = tuple(
            tuple(self._child_record(table, row) for row in rows)
            for table, rows in enumerate(record.children)
        )
        values = dict(zip(self._names, record.values, strict=True))
        content = self.version(values, [[row.id_and_hash for row in rows] for rows in children])
        return record._replace(content_hash=content, children=children)

    def _child_record(self, table: int, row: ChildRecord) -> ChildRecord:
        values = dict(zip(self._child_names[table], row.values, strict=True))
        return row._replace(id_and_hash=row.child_id + self.child(table, values))

    def child(self, table: int, values: Values) -> bytes:
        """The content hash of a child row; `table` is the index of its list."""
        return row_hash(self._of_children[table](values))

    def version(self, values: Values, children: Sequence[Sequence[bytes]]) -> bytes:
        """The content hash of a version.

        `children` has one sequence for each list: of each row `child_id` and the hash that `child`
        gives, joined.
        """
        lists = ((path, children[index]) for path, index in self._lists)
        return record_hash(self._own(values), lists)


def _tracked_row(columns: Sequence[Column]) -> _Encode:
    order = row_order(columns, lambda column: column.role is Role.TRACKED)
    fields = [(columns[index].name, _field(columns[index])) for index in order]

    def encode(values: Values) -> bytes:
        found = ((values.get(name), write) for name, write in fields)
        return row_bytes("".join(write(value) for value, write in found if value is not None))

    return encode


def _field(column: Column) -> Render:
    write = field_text(column)
    if column.kind is not Kind.JSON:
        return write

    def write_tracked(text: str) -> str:
        plain = without(read_json(text), column.excluded_paths)
        tracked, _ = parted(plain, column.untracked_paths)
        return write(canonical_json(tracked))

    return write_tracked
