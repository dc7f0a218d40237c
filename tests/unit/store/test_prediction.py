"""What is expected of a table's next batch after what the last ones were."""

from __future__ import annotations

from scrapy_snapshot_pipeline.records import Outcome
from scrapy_snapshot_pipeline.store.prediction import Expected, Prediction

NEW, REVISED = Outcome.INSERTED, Outcome.REVISED
CONFIRMED, COALESCED = Outcome.CONFIRMED, Outcome.COALESCED


def after(*batches: tuple[Outcome, ...]) -> Prediction:
    """Learn from batches of one table."""
    expectation = Prediction()
    for outcomes in batches:
        expectation.learn(("event", outcome) for outcome in outcomes)
    return expectation


def learn_new(expectation: Prediction, batches: int) -> list[Expected]:
    """What is expected after each of so many batches of new entities."""
    expected = []
    for _ in range(batches):
        expectation.learn([("event", NEW)])
        expected.append(expectation.of("event"))
    return expected


def test_confirming_is_tried_first_where_nothing_is_known() -> None:
    """Most crawls see again what an earlier one has stored."""
    assert Prediction().of("event") is Expected.UNCHANGED


def test_one_confirmation_makes_it_worth_trying_again() -> None:
    """Whatever else was in the batch."""
    assert after((NEW, CONFIRMED, REVISED)).of("event") is Expected.UNCHANGED


def test_changes_without_a_confirmation_are_planned_at_once() -> None:
    """To ask for confirmations was in vain."""
    assert after((NEW, REVISED)).of("event") is Expected.CHANGED


def test_a_batch_of_new_entities_only_is_expected_to_go_on() -> None:
    """As in a first crawl."""
    assert after((NEW, NEW)).of("event") is Expected.NEW


def test_an_entity_seen_twice_is_no_sign_of_only_new_ones() -> None:
    """It may come a third time."""
    assert after((NEW, COALESCED)).of("event") is Expected.CHANGED


def test_a_known_entity_ends_the_expectation_of_new_ones() -> None:
    """The last batch counts."""
    assert after((NEW,), (NEW, CONFIRMED)).of("event") is Expected.UNCHANGED


def test_each_table_is_expected_for_itself() -> None:
    """Markets may be known where events are new."""
    expectation = Prediction()
    expectation.learn([("event", NEW), ("market", CONFIRMED)])
    assert expectation.of("event") is Expected.NEW
    assert expectation.of("market") is Expected.UNCHANGED


def test_after_a_wrong_guess_ten_batches_must_bear_it_out() -> None:
    """And after a second one twenty: a batch in vain leaves dead rows behind."""
    expectation = after((NEW,))
    for patience in (10, 20, 40):
        expectation.penalize({"event": Expected.NEW})
        assert expectation.of("event") is not Expected.NEW
        expected = learn_new(expectation, patience)
        assert Expected.NEW not in expected[:-1]
        assert expected[-1] is Expected.NEW


def test_a_wrong_guess_about_another_table_is_no_experience_with_this_one() -> None:
    """Only what was expected NEW can have been wrong."""
    expectation = after((NEW,))
    expectation.penalize({"event": Expected.UNCHANGED, "market": Expected.NEW})
    assert expectation.of("event") is Expected.NEW
