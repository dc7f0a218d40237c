from __future__ import annotations

from scrapy_snapshot_pipeline.delivery.in_flight import InFlight, Part, Pending
from tests.unit.fakes import make_record


def entries(*numbers: int) -> tuple[Pending, ...]:
    """Make one entry for each number, each of an entity of its own."""
    return tuple(Pending(make_record(n, entity=n), 1, lambda _: None) for n in numbers)


def numbers_of(part: Part) -> list[int]:
    """The numbers of its records."""
    return [record.snapshot_id for record in part.batch.records]


def test_a_part_has_the_records_of_its_entries() -> None:
    """In their order, with the given attempt."""
    part = Part.of(entries(3, 1, 2), attempt=0)
    assert numbers_of(part) == [3, 1, 2]
    assert (part.batch.attempt, part.possibly_stored) == (0, False)


def test_nothing_is_in_flight_at_first() -> None:
    """Neither a record nor a part."""
    nothing = InFlight()
    assert not nothing
    assert len(nothing) == 0


def test_another_attempt_sends_the_same_records() -> None:
    """Only the number of the attempt changes."""
    in_flight = InFlight(entries(1, 2))
    records = in_flight.first.batch.records
    in_flight.count_attempt()
    assert in_flight.first.batch.attempt == 2
    assert in_flight.first.batch.records is records


def test_a_split_keeps_order_attempt_and_doubt() -> None:
    """The parts take the place of what was split, before all later parts."""
    in_flight = InFlight(entries(1, 2, 3, 4))
    in_flight.count_attempt()
    in_flight.mark_possibly_stored()
    in_flight.split_first()
    in_flight.split_first()
    parts = list(in_flight.remove_all())
    assert [numbers_of(part) for part in parts] == [[1], [2], [3, 4]]
    assert {(part.batch.attempt, part.possibly_stored) for part in parts} == {(2, True)}


def test_only_the_first_part_changes() -> None:
    """Attempts and doubts of one part say nothing about the others."""
    in_flight = InFlight(entries(1, 2))
    in_flight.split_first()
    in_flight.count_attempt()
    in_flight.mark_possibly_stored()
    first, second = in_flight.remove_first(), in_flight.remove_first()
    assert (first.batch.attempt, first.possibly_stored) == (2, True)
    assert (second.batch.attempt, second.possibly_stored) == (1, False)
    assert not in_flight


def test_many_rejected_records_change_how_it_splits() -> None:
    """After a tenth of the batch, the records that are left are tried one by one."""
    in_flight = InFlight(entries(*range(8)))
    for _ in range(3):
        in_flight.split_first()
    assert numbers_of(in_flight.reject_first()) == [0]
    assert numbers_of(in_flight.remove_first()) == [1]
    assert len(in_flight) == 6
    in_flight.remove_first()
    in_flight.split_first()
    assert [numbers_of(part) for part in in_flight.remove_all()] == [[4], [5], [6], [7]]


def test_what_was_removed_is_not_in_flight() -> None:
    """A write that is answered afterwards finds nothing."""
    in_flight = InFlight(entries(1, 2))
    assert [numbers_of(part) for part in in_flight.remove_all()] == [[1, 2]]
    assert not in_flight
    assert len(in_flight) == 0
