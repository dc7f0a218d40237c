"""Turns an item into a frozen record, by a function that is worked out once for each class.

The function runs on the reactor thread and touches nothing but the item.  The record shares nothing
mutable with the item, so later pipelines may change the item.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn, TypeAlias

from scrapy_snapshot_pipeline.capture import canonical
from scrapy_snapshot_pipeline.capture.row_reader import ReadRow, field_getter, row_reader
from scrapy_snapshot_pipeline.capture.unseen_names import UnseenNames
from scrapy_snapshot_pipeline.capture.untyped import UntypedReader
from scrapy_snapshot_pipeline.capture.values.coerce_error import CoerceError, unexpected
from scrapy_snapshot_pipeline.capture.values.notices import Notice, Notify, silent
from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Declaration
from scrapy_snapshot_pipeline.errors import CaptureError
from scrapy_snapshot_pipeline.records import ChildRecord, SnapshotRecord, snapshot_id

Capture: TypeAlias = Callable[[object, dt.datetime, uuid.UUID], SnapshotRecord]

MAX_CHILDREN = 10_000
"""The limit of the child rows of one item, all lists together."""

_MAKE_INSTANCE = "make it an instance of that class in the spider"


def compile_capture(
    declaration: Declaration,
    *,
    naive_timezone: dt.tzinfo | None = None,
    max_bytes: int | None = None,
    spider: str = "",
    notify: Notify = silent,
    unseen: UnseenNames | None = None,
) -> Capture:
    """The function that makes records of items of the declared class.

    `naive_timezone` is the zone of datetimes that state none; None rejects them.  `max_bytes`
    limits `SnapshotRecord.size`; None sets no limit.  `spider` is part of the key of a class that
    is declared `per_spider`.  `notify` is told of values that are taken by a rule of our own, with
    the path to their field, on the thread of the caller.  `unseen` looks at the items of a class
    without types.

    The function takes the item, the time when it was observed (aware, UTC) and the run's id.  It
    raises `CaptureError`, which names the class, the field, the expected and the found type, and
    the cure, but never the value.
    """
    reading = _Reading(naive_timezone, spider, notify)
    return _Capture(declaration, reading, max_bytes, unseen or UnseenNames(())).record


class _Reading(NamedTuple):
    """How values are read, beside what their columns say."""

    naive_timezone: dt.tzinfo | None
    spider: str
    notify: Notify

    def inside(self, name: str) -> _Reading:
        """The same for the rows of a list, whose name then begins the path of a notice."""

        def notify(notice: Notice, path: str) -> None:
            self.notify(notice, f".{name}{path}")

        return self._replace(notify=notify)


class _ListReader:
    """What it takes to read the rows of one nested list, and the lists nested in them."""

    def __init__(self, index: int, declaration: Declaration, outside: _Reading) -> None:
        table = declaration.children[index]
        self.index = index
        self.path = canonical.encode_path(table.path)
        self.name = table.path[-1]
        self.item_class = table.item_class
        reading = outside.inside(self.name)
        self.read = row_reader(
            table.item_class,
            table.columns,
            reading.naive_timezone,
            positional=table.positional,
            notify=reading.notify,
        )
        self._top_ids = canonical.child_ids(None, self.path)
        self.get = field_getter(_owner_class(declaration, table), self.name)
        self.lists = _lists_below(index, declaration, reading)

    def ids(self, parent: bytes | None) -> canonical.Hasher:
        """The function that makes a `child_id` from the encoded key of a row below `parent`."""
        return self._top_ids if parent is None else canonical.child_ids(parent, self.path)


class _ChildRows:
    """The child rows of one item, collected while the item is captured."""

    def __init__(self, tables: int) -> None:
        self.rows: list[list[ChildRecord]] = [[] for _ in range(tables)]
        self.size = 0
        self.count = 0

    def collect(self, lists: Sequence[_ListReader], owner: object, parent_id: bytes | None) -> None:
        """Add all rows below `owner`, the item or one of its rows.  Raises `CoerceError`."""
        for each in lists:
            items = each.get(owner)
            if items is None:
                continue
            try:
                self._collect_list(each, _as_list(items), parent_id)
            except CoerceError as error:
                raise error.inside(f".{each.name}") from None
            except Exception as error:  # noqa: BLE001 - a list of the user's own may raise anything
                raise unexpected(error).inside(f".{each.name}") from None

    def _collect_list(
        self, each: _ListReader, items: Sequence[object], parent: bytes | None
    ) -> None:
        self.count += len(items)
        if self.count > MAX_CHILDREN:
            raise CoerceError(
                f"the item has more than {MAX_CHILDREN} child rows",
                "yield smaller items, or annotate the list with a JSON type",
            )
        child_id, read, row_hash = each.ids(parent), each.read, canonical.row_hash
        rows = self.rows[each.index]
        seen: dict[bytes, int] = {}
        position = 0
        try:
            for position, item in enumerate(items):
                if not isinstance(item, each.item_class):
                    raise _wrong_class(each.item_class, item)
                values, key, tracked, size = read(item, position)
                child = child_id(key)
                if seen.setdefault(child, position) != position:
                    raise _same_key(seen[child])
                rows.append(ChildRecord(child + row_hash(tracked), parent, values))
                self.size += size
                if each.lists:
                    self.collect(each.lists, item, child)
        except CoerceError as error:
            raise error.inside(f"[{position}]") from None


class _Capture:
    """What is worked out once for a class, and the function that uses it."""

    def __init__(
        self,
        declaration: Declaration,
        reading: _Reading,
        max_bytes: int | None,
        unseen: UnseenNames,
    ) -> None:
        self._declaration = declaration
        self._max_bytes = max_bytes
        self._read: ReadRow = (
            UntypedReader(
                declaration, reading.naive_timezone, unseen, reading.spider, reading.notify
            ).read
            if declaration.untyped
            else row_reader(
                declaration.item_class,
                declaration.columns,
                reading.naive_timezone,
                spider=reading.spider,
                notify=reading.notify,
            )
        )
        self._lists = _lists_below(None, declaration, reading)
        paths = [canonical.encode_path(table.path) for table in declaration.children]
        names = [table.path for table in declaration.children]
        order = sorted(range(len(paths)), key=lambda index: names[index])
        self._hash_order = tuple((paths[index], index) for index in order)

    def record(self, item: object, observed_at: dt.datetime, run_id: uuid.UUID) -> SnapshotRecord:
        children = _ChildRows(len(self._declaration.children))
        try:
            values, key, tracked, size = self._read(item, 0)
            children.collect(self._lists, item, None)
        except CoerceError as error:
            self._refuse(error.path, error.problem, error.cure)
        except Exception as error:  # noqa: BLE001 - the item's own code may raise anything
            refused = unexpected(error)
            self._refuse("", refused.problem, refused.cure)
        size += children.size
        if self._max_bytes is not None and size > self._max_bytes:
            problem = f"has {size} bytes, more than the limit of {self._max_bytes}"
            self._refuse("", problem, "raise SNAPSHOT_ITEM_MAX_BYTES, or yield smaller items")
        lists = (
            (path, [row.id_and_hash for row in children.rows[index]])
            for path, index in self._hash_order
        )
        content_hash = canonical.record_hash(tracked, lists)
        return SnapshotRecord(
            table=self._declaration.table,
            entity_id=canonical.entity_id(key),
            snapshot_id=self._snapshot_id(observed_at, content_hash),
            content_hash=content_hash,
            observed_at=observed_at,
            run_id=run_id,
            values=values,
            children=tuple(map(tuple, children.rows)),
            size=size,
        )

    def _snapshot_id(self, observed_at: dt.datetime, content_hash: bytes) -> int:
        if observed_at.tzinfo is not dt.timezone.utc:
            self._refuse("", "was observed at a time that is not in UTC", "use timezone.utc")
        try:
            return snapshot_id(observed_at, content_hash)
        except OverflowError:
            self._refuse("", "was observed before 1948 or after 2091", "set the clock right")

    def _refuse(self, path: str, problem: str, cure: str) -> NoReturn:
        where = f"{self._declaration.item_class.__qualname__}{path}"
        raise CaptureError(f"{where}: {problem}; {cure}") from None


def _lists_below(
    parent: int | None, declaration: Declaration, reading: _Reading
) -> tuple[_ListReader, ...]:
    children = enumerate(declaration.children)
    indexes = [index for index, table in children if table.parent == parent]
    return tuple(_ListReader(index, declaration, reading) for index in indexes)


def _owner_class(declaration: Declaration, table: ChildTable) -> type:
    if table.parent is None:
        return declaration.item_class
    return declaration.children[table.parent].item_class


def _wrong_class(wanted: type, item: object) -> CoerceError:
    return CoerceError(f"expected {wanted.__name__}, got {type(item).__name__}", _MAKE_INSTANCE)


def _same_key(first: int) -> CoerceError:
    cure = "give the class a key that is unique in the list"
    return CoerceError(f"the row has the same key as row [{first}]", cure)


def _as_list(items: object) -> Sequence[object]:
    if type(items) is list:  # nearly always, and the check below takes longer than reading a row
        return items
    if isinstance(items, Sequence) and not isinstance(items, (str, bytes, bytearray)):
        return items
    cure = "make it a list in the spider"
    raise CoerceError(f"expected list, got {type(items).__name__}", cure)
