"""What is remembered of the last entities, and for how long."""

from __future__ import annotations

from scrapy_snapshot_pipeline.records import SnapshotRecord
from scrapy_snapshot_pipeline.store.lately_seen import LatelySeen
from tests.unit.fakes import make_record


def records(*entities: int) -> list[SnapshotRecord]:
    """See these entities, each with a content of its own."""
    return [make_record(number, entity=entity) for number, entity in enumerate(entities)]


def known(seen: LatelySeen, entity: int, table: str = "odds") -> int | None:
    """The content that is remembered."""
    content = seen.content_hash(table, entity.to_bytes(16, "big"))
    return None if content is None else int.from_bytes(content, "big")


def test_the_last_content_of_an_entity_is_remembered() -> None:
    """Also where it is twice in a batch."""
    seen = LatelySeen(most=3)
    seen.note("odds", records(7, 8, 7))
    assert [known(seen, entity) for entity in (7, 8, 9)] == [2, 1, None]


def test_memory_is_bounded_and_the_oldest_are_forgotten() -> None:
    """As many as asked for are always known, and never twice as many more."""
    seen = LatelySeen(most=3)
    for entity in range(20):
        seen.note("odds", records(entity))
        remembered = [each for each in range(entity + 1) if known(seen, each) is not None]
        assert remembered[-3:] == list(range(max(0, entity - 2), entity + 1))
        assert len(remembered) <= 6


def test_what_is_seen_again_is_young_again() -> None:
    """With its new content."""
    seen = LatelySeen(most=2)
    for entities in ((0, 1), (2, 0), (3, 4)):
        seen.note("odds", records(*entities))
    assert [known(seen, entity) for entity in range(5)] == [1, None, 0, 0, 1]


def test_tables_share_the_memory_and_nothing_else() -> None:
    """Two entities of two tables may have one id."""
    seen = LatelySeen(most=2)
    seen.note("odds", records(5))
    seen.note("book", records(6, 5))
    assert [known(seen, 5, table) for table in ("odds", "book", "match")] == [0, 1, None]
    seen.note("match", records(7))
    seen.note("match", records(8))
    seen.note("match", records(9))
    assert [known(seen, 5, table) for table in ("odds", "book")] == [None, None]
