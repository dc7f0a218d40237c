"""How much of a stored history is read before a plan is made."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from scrapy_snapshot_pipeline.scd2.plan import Reading, StoredVersion, reading
from tests.unit.scd2.entity import Seen, at, record, seen

CURRENT = StoredVersion(
    record(seen(3, "A")).snapshot_id, record(seen(3, "A")).content_hash, at(1), at(5), None
)


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        ([seen(6, "A")], Reading.NOTHING),
        ([seen(6, "A"), seen(7, "A")], Reading.NOTHING),
        ([seen(2, "A")], Reading.NOTHING),
        ([seen(1, "A")], Reading.NOTHING),
        ([seen(6, "B")], Reading.CURRENT_CHILDREN),
        ([seen(6, "B"), seen(7, "A")], Reading.CURRENT_CHILDREN),
        ([seen(6, "A"), seen(7, "B")], Reading.CURRENT_CHILDREN),
        ([seen(2, "A"), seen(6, "B")], Reading.CURRENT_CHILDREN),
        ([seen(2, "A"), seen(4, "B")], Reading.HISTORY),
        ([seen(5, "B")], Reading.HISTORY),
        ([seen(4, "B")], Reading.HISTORY),
        ([seen(2, "B")], Reading.HISTORY),
        ([seen(0, "B")], Reading.HISTORY),
        ([seen(0, "A")], Reading.HISTORY),
        ([seen(7, "A"), seen(6, "B")], Reading.HISTORY),
        ([seen(7, "B"), seen(6, "A")], Reading.HISTORY),
        ([seen(6, "B"), seen(2, "A")], Reading.HISTORY),
        ([seen(6, "B"), seen(8, "A"), seen(7, "B")], Reading.HISTORY),
        ([seen(6, "A"), seen(0, "A")], Reading.HISTORY),
    ],
    ids=[
        "same",
        "same twice",
        "same, in a time that nobody looked at",
        "same, at its begin",
        "changed",
        "changed and back",
        "same, then changed",
        "same and late, then changed",
        "same and late, then changed at a confirmed time",
        "changed, at the last confirmation",
        "changed, at a confirmed time",
        "changed, in a time that nobody looked at",
        "changed, before it",
        "same, before it",
        "changed, before a confirmation in the batch",
        "back, before the change",
        "back, in a time that it had before",
        "out of order",
        "same, then before it",
    ],
)
def test_no_more_is_read_than_the_plan_needs(batch: Sequence[Seen], expected: Reading) -> None:
    """Beside the current version: nothing, its children, or what was valid since."""
    assert reading(CURRENT, [record(one) for one in batch]) == expected


def test_new_entity_needs_no_reading() -> None:
    """Where nothing is stored, nothing can be read."""
    assert reading(None, [record(seen(1, "A")), record(seen(0, "B"))]) == Reading.NOTHING
