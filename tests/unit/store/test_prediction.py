"""By which strategy a table's next batch is written, after what the last ones were."""

from __future__ import annotations

from scrapy_snapshot_pipeline.records import Outcome
from scrapy_snapshot_pipeline.store.prediction import COMPANY, Prediction, Strategy

NEW, REVISED = Outcome.INSERTED, Outcome.REVISED
CONFIRMED, COALESCED = Outcome.CONFIRMED, Outcome.COALESCED


def after(*batches: tuple[Outcome, ...]) -> Prediction:
    """Learn from batches of one table."""
    prediction = Prediction()
    for outcomes in batches:
        prediction.learn(("event", outcome) for outcome in outcomes)
    return prediction


def learn_new(prediction: Prediction, batches: int) -> list[Strategy]:
    """The strategy after each of a number of batches of new entities."""
    strategies = []
    for _ in range(batches):
        prediction.learn([("event", NEW)])
        strategies.append(prediction.strategy("event"))
    return strategies


def test_confirming_is_tried_first_where_nothing_is_known() -> None:
    """Most crawls see again what an earlier one has stored."""
    assert Prediction().strategy("event") is Strategy.CONFIRM_FIRST


def test_one_confirmation_makes_it_worth_trying_again() -> None:
    """Whatever else was in the batch."""
    assert after((NEW, CONFIRMED, REVISED)).strategy("event") is Strategy.CONFIRM_FIRST


def test_changes_without_a_confirmation_are_planned_at_once() -> None:
    """Asking for confirmations was in vain."""
    assert after((NEW, REVISED)).strategy("event") is Strategy.PLAN


def test_after_nothing_but_new_entities_the_next_ones_are_inserted_blind() -> None:
    """As in a first crawl."""
    assert after((NEW, NEW)).strategy("event") is Strategy.INSERT_BLIND


def test_an_entity_seen_twice_is_no_sign_of_only_new_ones() -> None:
    """It may come a third time."""
    assert after((NEW, COALESCED)).strategy("event") is Strategy.PLAN


def test_a_known_entity_ends_the_blind_inserts() -> None:
    """The last batch counts."""
    assert after((NEW,), (NEW, CONFIRMED)).strategy("event") is Strategy.CONFIRM_FIRST


def test_each_table_has_a_strategy_of_its_own() -> None:
    """Markets may be known where events are new."""
    prediction = Prediction()
    prediction.learn([("event", NEW), ("market", CONFIRMED)])
    assert prediction.strategy("event") is Strategy.INSERT_BLIND
    assert prediction.strategy("market") is Strategy.CONFIRM_FIRST


def test_after_a_failed_blind_insert_ten_batches_of_new_entities_must_follow() -> None:
    """And after a second one twenty: a batch written in vain leaves dead rows behind."""
    prediction = after((NEW,))
    for required in (10, 20, 40):
        prediction.penalize({"event": Strategy.INSERT_BLIND})
        assert prediction.strategy("event") is not Strategy.INSERT_BLIND
        strategies = learn_new(prediction, required)
        assert Strategy.INSERT_BLIND not in strategies[:-1]
        assert strategies[-1] is Strategy.INSERT_BLIND


def test_a_failure_of_another_table_is_no_experience_with_this_one() -> None:
    """Only a table that was inserted blind can have caused the failure."""
    prediction = after((NEW,))
    prediction.penalize({"event": Strategy.CONFIRM_FIRST, "market": Strategy.INSERT_BLIND})
    assert prediction.strategy("event") is Strategy.INSERT_BLIND


def test_who_was_second_counts_on_company_for_some_batches() -> None:
    """Again from the last time on; a crawler that was always first is taken to be alone."""
    prediction = Prediction()
    seen = [False, True, True, *[False] * (COMPANY + 1)]
    expected = []
    for second in seen:
        expected.append(prediction.rivals)
        prediction.was_second(second=second)
    assert expected == [False, False, *[True] * (COMPANY + 1), False]
