"""One row of one table: read from an item, coerced, checked, encoded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeAlias

from itemadapter import ItemAdapter

from scrapy_snapshot_pipeline import canonical
from scrapy_snapshot_pipeline.cells import cell_reader
from scrapy_snapshot_pipeline.coerce import CoerceError
from scrapy_snapshot_pipeline.nested import plain_fields, to_json
from scrapy_snapshot_pipeline.records import Value
from scrapy_snapshot_pipeline.tables import ChildTable, Column, Declaration, Role

Read: TypeAlias = Callable[[Any], Sequence[object]]
Pick: TypeAlias = Callable[[Sequence[str]], Sequence[str]]

_NUL = rb"\u0000"


class Row(NamedTuple):
    """One row, coerced and encoded."""

    values: tuple[Value, ...]
    key: bytes
    tracked: bytes
    size: int
    """Bytes of all that was encoded, untracked fields too."""


class Rows:
    """How rows of one typed table are read and encoded."""

    def __init__(
        self, item_class: type, columns: Sequence[Column], naive_timezone: dt.tzinfo | None
    ) -> None:
        self._names = tuple(column.name for column in columns)
        self._cells = tuple(cell_reader(column, naive_timezone) for column in columns)
        self._read = reader(item_class, self._names)
        self._pick_key = _picker(columns, Role.KEY)
        self._pick_tracked = _picker(columns, Role.TRACKED)
        self._pick_untracked = _picker(columns, Role.UNTRACKED)

    def row(self, item: object) -> Row:
        """Raises `CoerceError`."""
        fields = zip(self._cells, self._read(item), strict=True)
        values, texts = zip(*[cell(value) for cell, value in fields], strict=True)
        key = self._pick_key(texts)
        if "" in key:
            raise _no_key(self._pick_key(self._names)[key.index("")])
        return self._encode(values, key, texts)

    def row_at(self, item: object, position: int) -> Row:  # noqa: ARG002 - see PositionedRows
        """As `row`, of the row at a position of its list."""
        return self.row(item)

    def _encode(
        self, values: tuple[Value, ...], key_texts: Sequence[str], texts: Sequence[str]
    ) -> Row:
        encode = canonical.encode_texts
        try:
            key, tracked = encode(key_texts), encode(self._pick_tracked(texts))
            rest = self._pick_untracked(texts)
            untracked = encode(rest) if rest else b""
        except UnicodeEncodeError:
            raise _bad_text("lone surrogates", self._first(values, _has_surrogate)) from None
        # The encoded text also has it for an honest backslash before "u0000"; hence the look back.
        if _NUL in key or _NUL in tracked or _NUL in untracked:
            with_nul = self._first(values, _has_nul)
            if with_nul:
                raise _bad_text("NUL characters", with_nul)
        return Row(values, key, tracked, len(key) + len(tracked) + len(untracked))

    def _first(self, values: Sequence[Value], is_bad: Callable[[str], bool]) -> str:
        """Path of the first such text; empty when there is none."""
        named = zip(self._names, values, strict=True)
        bad = (name for name, value in named if isinstance(value, str) and is_bad(value))
        return next((f".{name}" for name in bad), "")


class PositionedRows(Rows):
    """Rows of a list without a key: the position comes first among the values."""

    def __init__(self, table: ChildTable, naive_timezone: dt.tzinfo | None) -> None:
        super().__init__(table.item_class, table.columns, naive_timezone)
        self._read = lambda numbered: numbered
        self._read_rest = reader(table.item_class, self._names[1:])

    def row_at(self, item: object, position: int) -> Row:
        """As `row`."""
        return self.row((position, *self._read_rest(item)))


class UntypedRows:
    """Rows of a class without types: key columns, and everything else in `data`."""

    def __init__(self, declaration: Declaration, naive_timezone: dt.tzinfo | None) -> None:
        keys = declaration.columns[:-1]
        self._keys = Rows(dict, keys, naive_timezone)
        self._names = frozenset(column.name for column in keys)
        self._untracked = declaration.untracked_data
        self._naive_timezone = naive_timezone
        self._data = canonical.row_fields(declaration.columns, lambda c: c.name == "data")

    def row(self, item: object) -> Row:
        """Raises `CoerceError`."""
        present = {k: v for k, v in ItemAdapter(item).items() if v is not None}
        keys = self._keys.row(present)
        rest = [(k, v) for k, v in present.items() if k not in self._names]
        data = plain_fields(rest, self._naive_timezone)
        tracked = {k: v for k, v in data.items() if k not in self._untracked}
        untracked = {k: v for k, v in data.items() if k in self._untracked}
        encoded = self._encode(keys.values, tracked)
        beside = self._encode(keys.values, untracked) if untracked else b""
        size = len(keys.key) + len(encoded) + len(beside)
        return Row((*keys.values, to_json(data)), keys.key, encoded, size)

    def _encode(self, keys: tuple[Value, ...], part: dict[str, object]) -> bytes:
        try:
            return canonical.encode_row(self._data, (*keys, to_json(part)))
        except UnicodeEncodeError:
            raise _bad_text("lone surrogates", ".data") from None


def _picker(columns: Sequence[Column], role: Role) -> Pick:
    """Picks the texts of the columns of one role, in the order of a row."""
    order = canonical.row_order(columns, lambda column: column.role is role)
    if not order:
        return lambda _texts: ()
    if len(order) == 1:
        return lambda texts: texts[order[0] : order[0] + 1]
    return itemgetter(*order)


def reader(item_class: type, names: tuple[str, ...]) -> Read:
    """Reads the fields of one item; a name that a mapping does not have is None."""
    if not names:
        return lambda _item: ()
    if issubclass(item_class, Mapping):
        return lambda item: [item.get(name) for name in names]
    get = attrgetter(*names)
    read: Read = get if len(names) > 1 else lambda item: (get(item),)
    return lambda item: _read_attributes(read, names, item)


def _read_attributes(read: Read, names: tuple[str, ...], item: object) -> Sequence[object]:
    try:
        return read(item)
    except AttributeError:
        unset = next((f".{name}" for name in names if not hasattr(item, name)), "")
        cure = "set it, or give the field a default"
        raise CoerceError("the field was never set", cure, unset) from None


def _no_key(name: str) -> CoerceError:
    cure = "fill it in the spider, or drop the item before this pipeline"
    return CoerceError("a key field is missing or None", cure, f".{name}")


def _bad_text(what: str, path: str) -> CoerceError:
    return CoerceError(f"expected text without {what}", "remove them in the spider", path)


def _has_nul(text: str) -> bool:
    return "\x00" in text


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
