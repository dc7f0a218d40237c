"""Rows in chunks; cursors are in tests/history/test_streams.py."""

from __future__ import annotations

from itertools import count, islice

import pytest

from scrapy_snapshot_pipeline.history.connection.streams import CHUNK, FIRST, chunks


@pytest.mark.parametrize(
    ("rows", "lengths"),
    [
        (0, []),
        (1, [1]),
        (FIRST, [FIRST]),
        (FIRST + 1, [FIRST, 1]),
        (FIRST + 2 * CHUNK + 3, [FIRST, CHUNK, CHUNK, 3]),
    ],
)
def test_first_chunk_is_short(rows: int, lengths: list[int]) -> None:
    """No chunk is empty, and together they are all rows in their order."""
    found = list(chunks(range(rows)))
    assert [len(chunk) for chunk in found] == lengths
    assert [row for chunk in found for row in chunk] == list(range(rows))


def test_chunks_are_read_one_at_a_time() -> None:
    """Rows without end are no problem, and none is taken in advance."""
    rows = count()
    assert [len(chunk) for chunk in islice(chunks(rows), 2)] == [FIRST, CHUNK]
    assert next(rows) == FIRST + CHUNK
