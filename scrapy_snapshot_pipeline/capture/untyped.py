"""Reads a row of a class without types: its key fields are columns, all others one JSON value."""

from __future__ import annotations

import datetime as dt

from itemadapter import ItemAdapter

from scrapy_snapshot_pipeline.capture.canonical import field_text, row_bytes
from scrapy_snapshot_pipeline.capture.json_values import plain_fields, to_json
from scrapy_snapshot_pipeline.capture.row_reader import Row, lone_surrogates, row_reader
from scrapy_snapshot_pipeline.capture.unseen_names import UnseenNames
from scrapy_snapshot_pipeline.declaration.tables import Declaration


class UntypedReader:
    """Reads the key columns, and puts everything else into the column `data`."""

    def __init__(
        self, declaration: Declaration, naive_timezone: dt.tzinfo | None, unseen: UnseenNames
    ) -> None:
        """`unseen` looks at each item for the names of the options."""
        *keys, data = declaration.columns
        self._read_keys = row_reader(dict, keys, naive_timezone)
        self._key_names = frozenset(column.name for column in keys)
        self._untracked = declaration.untracked_data
        self._naive_timezone = naive_timezone
        self._unseen = unseen
        self._write_data = field_text(data)

    def read(self, item: object, position: int) -> Row:
        """Read one item, as a `ReadRow` does."""
        fields = ItemAdapter(item)
        self._unseen.look(fields)
        present = {k: v for k, v in fields.items() if v is not None}
        keys, key, _, _ = self._read_keys(present, position)
        rest = [(k, v) for k, v in present.items() if k not in self._key_names]
        data = plain_fields(rest, self._naive_timezone)
        tracked = self._encode({k: v for k, v in data.items() if k not in self._untracked})
        untracked = {k: v for k, v in data.items() if k in self._untracked}
        beside = self._encode(untracked) if untracked else b""
        return (*keys, to_json(data)), key, tracked, len(key) + len(tracked) + len(beside)

    def _encode(self, part: dict[str, object]) -> bytes:
        text = to_json(part)
        try:
            return row_bytes(self._write_data(text))
        except UnicodeEncodeError:
            raise lone_surrogates(["data"], [text]) from None
