"""One row of one table: read from an item, coerced, checked, encoded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeAlias

from itemadapter import ItemAdapter

from scrapy_snapshot_pipeline import canonical
from scrapy_snapshot_pipeline.coerce import Coerce, CoerceError, coercer
from scrapy_snapshot_pipeline.nested import json_coercer, plain_fields, to_json
from scrapy_snapshot_pipeline.records import Value
from scrapy_snapshot_pipeline.tables import ChildTable, Column, Declaration, Kind, Role

Read: TypeAlias = Callable[[Any], Sequence[object]]

_NUL = rb"\u0000"


@dataclass(frozen=True, slots=True)
class Row:
    """One row, coerced and encoded."""

    values: tuple[Value, ...]
    key: bytes
    tracked: bytes
    untracked: bytes

    @property
    def size(self) -> int:
        """Bytes of all that was encoded."""
        return len(self.key) + len(self.tracked) + len(self.untracked)


class Rows:
    """How rows of one typed table are read and encoded."""

    def __init__(
        self, item_class: type, columns: Sequence[Column], naive_timezone: dt.tzinfo | None
    ) -> None:
        self._columns = columns
        self._coercers = tuple(_coercer(column, naive_timezone) for column in columns)
        self._names = tuple(column.name for column in columns)
        self._read = reader(item_class, self._names)
        self._key = canonical.row_fields(columns, lambda c: c.role is Role.KEY)
        self._tracked = canonical.row_fields(columns, lambda c: c.role is Role.TRACKED)
        self._untracked = canonical.row_fields(columns, lambda c: c.role is Role.UNTRACKED)

    def row(self, item: object) -> Row:
        """Raises `CoerceError`."""
        values = self._values(item)
        for _, index, _ in self._key:
            if values[index] is None:
                raise _no_key(self._names[index])
        return self._encode(values)

    def _values(self, item: object) -> tuple[Value, ...]:
        values: list[Value] = []
        for name, coerce, value in zip(self._names, self._coercers, self._read(item), strict=True):
            try:
                values.append(None if value is None else coerce(value))
            except CoerceError as error:  # noqa: PERF203 - the error needs the name
                raise error.inside(f".{name}") from None
        return tuple(values)

    def _encode(self, values: tuple[Value, ...]) -> Row:
        encode = canonical.encode_row
        try:
            key, tracked = encode(self._key, values), encode(self._tracked, values)
            untracked = encode(self._untracked, values) if self._untracked else b""
        except UnicodeEncodeError:
            raise _bad_text("lone surrogates", self._first(values, _has_surrogate)) from None
        # The encoded text also has it for an honest backslash before "u0000"; hence the look back.
        if _NUL in key or _NUL in tracked or _NUL in untracked:
            with_nul = self._first(values, _has_nul)
            if with_nul:
                raise _bad_text("NUL characters", with_nul)
        return Row(values, key, tracked, untracked)

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
        """Raises `CoerceError`."""
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
        return Row(
            values=(*keys.values, to_json(data)),
            key=keys.key,
            tracked=self._encode(keys.values, tracked),
            untracked=self._encode(keys.values, untracked) if untracked else b"",
        )

    def _encode(self, keys: tuple[Value, ...], part: dict[str, object]) -> bytes:
        try:
            return canonical.encode_row(self._data, (*keys, to_json(part)))
        except UnicodeEncodeError:
            raise _bad_text("lone surrogates", ".data") from None


def _coercer(column: Column, naive_timezone: dt.tzinfo | None) -> Coerce:
    if column.kind is Kind.JSON:
        return json_coercer(column.annotation, naive_timezone)
    return coercer(column, naive_timezone)


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
