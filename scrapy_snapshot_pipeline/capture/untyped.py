"""Reads a row of a class without types: its key fields are columns, all others one JSON value."""

from __future__ import annotations

import datetime as dt

from itemadapter import ItemAdapter

from scrapy_snapshot_pipeline.capture.canonical import field_text, row_bytes
from scrapy_snapshot_pipeline.capture.dotted_names import parted, without
from scrapy_snapshot_pipeline.capture.json_values import plain_fields, to_json
from scrapy_snapshot_pipeline.capture.row_errors import lone_surrogates
from scrapy_snapshot_pipeline.capture.row_reader import Row, row_reader
from scrapy_snapshot_pipeline.capture.unseen_names import UnseenNames
from scrapy_snapshot_pipeline.capture.values.coerce_error import CoerceError
from scrapy_snapshot_pipeline.capture.values.notices import Notice, Notify, silent
from scrapy_snapshot_pipeline.declaration.our_names import PREFIX, is_ours
from scrapy_snapshot_pipeline.declaration.tables import Declaration


class UntypedReader:
    """Reads the key columns, and puts everything else into the column `data`."""

    def __init__(
        self,
        declaration: Declaration,
        naive_timezone: dt.tzinfo | None,
        unseen: UnseenNames,
        spider: str = "",
        notify: Notify = silent,
    ) -> None:
        """`unseen` looks at each item for the names of the options."""
        *keys, data = declaration.columns
        self._read_keys = row_reader(dict, keys, naive_timezone, spider=spider, notify=notify)
        self._key_names = frozenset(column.name for column in keys)
        self._untracked = data.untracked_paths
        self._excluded = data.excluded_paths
        self._naive_timezone = naive_timezone
        self._notify = notify
        self._unseen = unseen
        self._write_data = field_text(data)

    def read(self, item: object, position: int) -> Row:
        """Read one item, as a `ReadRow` does."""
        fields = ItemAdapter(item)
        self._unseen.look(fields)
        present = {k: v for k, v in fields.items() if v is not None}
        keys, key, _, _ = self._read_keys(present, position)
        if self._excluded:
            present = without(present, self._excluded)
        rest = [(k, v) for k, v in present.items() if k not in self._key_names]
        data = plain_fields(rest, self._naive_timezone, self._note)
        _check_names(data)
        tracked, untracked = parted(data, self._untracked) if self._untracked else (data, {})
        encoded = self._encode(tracked)
        beside = self._encode(untracked) if untracked else b""
        return (*keys, to_json(data)), key, encoded, len(key) + len(encoded) + len(beside)

    def _encode(self, part: dict[str, object]) -> bytes:
        text = to_json(part)
        try:
            return row_bytes(self._write_data(text))
        except UnicodeEncodeError:
            raise lone_surrogates(["data"], [text]) from None

    def _note(self, notice: Notice) -> None:
        self._notify(notice, "")


def _check_names(data: dict[str, object]) -> None:
    """Raise for a field that has a name of ours."""
    if PREFIX in "\n".join(data).lower() and any(map(is_ours, data)):  # the first is much quicker
        problem = f"a field has a name that begins with {PREFIX}, as ours do"
        raise CoerceError(problem, "rename it in the spider, or leave it out with exclude=...")
