"""One contract for every store: what batches of observations become."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.records import Batch, Outcome
from tests.contract.entities import Observation, record
from tests.contract.history import Version
from tests.contract.stores import (
    DATABASES,
    DatabaseStore,
    MemoryStore,
    Store,
    fold,
    found_at,
    write,
)

FUTURE = 30 * 365 * 86_400
"""The second of a day when nobody will run this."""

_numbers = itertools.count()


def database_store(request: pytest.FixtureRequest) -> Store:
    """The store that the fixture's parameter names."""
    url, far = found_at(request, request.param)
    return DatabaseStore(url, far=far)


@pytest.fixture(params=["memory", *DATABASES])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each store in turn, empty."""
    made = MemoryStore() if request.param == "memory" else database_store(request)
    yield made
    made.close()


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each database in turn, empty."""
    made = database_store(request)
    yield made
    made.close()


def seen(second: int, score: int = 0, **markets: int) -> Observation:
    """See the one entity of a test."""
    return Observation("arsenal", second, score, markets)


def batch(*observations: Observation) -> Batch:
    """Make a batch of observations."""
    return Batch(tuple(map(record, observations)))


def time_of(second: int) -> dt.datetime:
    """The time of a second."""
    return record(seen(second)).observed_at


def test_first_observation_is_inserted_with_its_children(store: Store) -> None:
    """A new entity gets one open version and one open row a child, at every depth."""
    assert write(store, seen(1, a=4)) == (Outcome.INSERTED,)

    assert store.history("arsenal") == fold([seen(1, a=4)])


def test_equal_observation_moves_only_the_confirmation(store: Store) -> None:
    """Nothing but last_confirmed_at changes when nothing changed."""
    write(store, seen(1, a=4))

    assert write(store, seen(2, a=4)) == (Outcome.CONFIRMED,)
    assert store.history("arsenal").versions == (Version(0, 1, 2, None),)


def test_changed_child_makes_a_version_and_leaves_the_others_alone(store: Store) -> None:
    """Only the child that changed is ended and written again."""
    write(store, seen(1, a=4, b=5))

    assert write(store, seen(2, a=4, b=3)) == (Outcome.REVISED,)
    rows = store.history("arsenal").rows
    assert {r.valid_from for r in rows if r.path[0] == "a"} == {1}
    assert {(r.path, r.valid_to) for r in rows if r.valid_to} == {(("b",), 2)}


def test_removed_child_is_ended(store: Store) -> None:
    """A child that is seen no more ends with the version that lacks it."""
    write(store, seen(1, a=4, b=5))
    write(store, seen(2, a=4))

    assert store.history("arsenal") == fold([seen(1, a=4, b=5), seen(2, a=4)])


def test_equal_neighbours_in_a_batch_are_coalesced(store: Store) -> None:
    """A, A in one batch is one version and one confirmation."""
    assert write(store, seen(1), seen(2)) == (Outcome.INSERTED, Outcome.COALESCED)
    assert store.history("arsenal").versions == (Version(0, 1, 2, None),)


def test_a_known_entity_seen_twice_in_a_batch_is_confirmed_at_the_later_time(
    store: Store,
) -> None:
    """Where confirming comes first, as after a batch in which something was confirmed."""
    write(store, seen(1))
    write(store, seen(2))
    assert write(store, seen(3), seen(4)) == (Outcome.CONFIRMED, Outcome.COALESCED)
    assert store.history("arsenal") == fold([seen(1), seen(2), seen(3), seen(4)])


def test_there_and_back_in_a_batch_stays_three_versions(store: Store) -> None:
    """A, B, A in one batch loses nothing."""
    outcomes = write(store, seen(1, a=1), seen(2, a=2), seen(3, a=1))

    assert outcomes == (Outcome.INSERTED, Outcome.REVISED, Outcome.REVISED)
    assert store.history("arsenal") == fold([seen(1, a=1), seen(2, a=2), seen(3, a=1)])


def test_untracked_field_never_makes_a_version(store: Store) -> None:
    """The url, which holds the second, differs in every observation."""
    write(store, seen(1))

    assert write(store, seen(2)) == (Outcome.CONFIRMED,)


def test_confirmation_never_goes_back(database: Store) -> None:
    """An equal record that comes late leaves a later confirmation alone."""
    write(database, seen(1))
    write(database, seen(5))

    assert write(database, seen(3)) == (Outcome.CONFIRMED,)
    assert database.history("arsenal").versions == (Version(0, 1, 5, None),)


def test_repeated_attempt_reports_what_the_first_one_did(database: Store) -> None:
    """After a commit without an answer the same batch writes nothing twice."""
    first = [seen(1, a=1), seen(2, a=2), Observation("burnley", 2, 0, {"x": 1})]
    outcomes = write(database, *first)
    history = database.history("arsenal")

    assert write(database, *first, attempt=2) == outcomes
    assert database.history("arsenal") == history


def test_repeated_attempt_stores_what_the_first_one_did_not(database: Store) -> None:
    """An attempt above the first stores new, changed and known entities alike."""
    write(database, seen(1, a=1), Observation("burnley", 1, 0, {"x": 1}))

    outcomes = write(
        database,
        seen(2, a=2),
        Observation("burnley", 2, 0, {"x": 1}),
        Observation("chelsea", 2, 0, {"x": 1}),
        attempt=2,
    )

    assert outcomes == (Outcome.REVISED, Outcome.CONFIRMED, Outcome.INSERTED)
    assert database.history("arsenal") == fold([seen(1, a=1), seen(2, a=2)])


def test_late_record_becomes_a_closed_version_in_its_place(database: Store) -> None:
    """What is current stays; the past gets the version that it lacked, with its children."""
    write(database, seen(1, a=1, b=1))
    write(database, seen(9, a=3, b=1))

    assert write(database, seen(5, a=2)) == (Outcome.REVISED,)
    history = database.history("arsenal")
    assert history.state_at(4) == fold([seen(1, a=1, b=1)]).state_at(4)
    assert history.state_at(5) == fold([seen(5, a=2)]).state_at(5)
    assert history.state_at(9) == fold([seen(9, a=3, b=1)]).state_at(9)
    assert history.fault() is None


def test_late_record_under_a_confirmation_is_kept_without_length(database: Store) -> None:
    """A later look was already merged over its time, so it is no state of any instant."""
    write(database, seen(1, a=1), seen(9, a=1))

    assert write(database, seen(5, a=2)) == (Outcome.REVISED,)
    assert database.history("arsenal").versions == (
        Version(0, 1, 9, None),
        Version(0, 5, 5, 5),
    )


def test_late_record_sent_twice_is_stored_once(database: Store) -> None:
    """A replay of a replay changes nothing."""
    write(database, seen(1, a=1), seen(9, a=2))
    write(database, seen(5, a=3))
    history = database.history("arsenal")

    write(database, seen(5, a=3))

    assert database.history("arsenal") == history


def test_a_run_that_contradicts_itself_is_counted(database: Store) -> None:
    """In one batch and in a later one."""
    first = [seen(1, a=1), seen(2, a=2), Observation("burnley", 2, 0, {})]
    assert database.write(batch(*first)).conflicts == {"contract_match": 1}

    assert database.write(batch(seen(3, a=2))).conflicts == {}
    changed = [seen(4, a=1), Observation("burnley", 4, 1, {})]
    assert database.write(batch(*changed)).conflicts == {"contract_match": 2}


def test_a_crawl_that_contradicts_what_it_has_confirmed_is_counted(
    request: pytest.FixtureRequest, database: Store
) -> None:
    """Another one has stored that; a third one is blamed for neither."""
    url, far = found_at(request, request.node.callspec.params["database"])
    second, third = DatabaseStore(url, far=far), DatabaseStore(url, far=far)
    runs = {each: uuid.uuid4() for each in (database, second, third)}

    def conflicts(crawl: Store, one: Observation) -> int:
        records = (record(one)._replace(run_id=runs[crawl]),)
        return sum(crawl.write(Batch(records)).conflicts.values())

    looks = [(database, 1), (second, 1), (second, 2), (third, 2), (third, 2), (third, 1)]
    counted = [conflicts(crawl, seen(at, a=a)) for at, (crawl, a) in enumerate(looks)]
    second.close()
    third.close()
    assert counted == [0, 0, 1, 0, 0, 1]


def test_what_a_clock_that_is_ahead_has_stored_is_reported(database: Store) -> None:
    """Whether it is confirmed or changed, or only its confirmation is to come."""
    write(database, seen(1, a=1), Observation("burnley", FUTURE, 0, {}))
    write(database, seen(FUTURE, a=1))

    confirmed = [seen(2, a=1), Observation("burnley", 2, 0, {})]
    assert database.write(batch(*confirmed)).ahead == (time_of(FUTURE),) * 2
    result = database.write(batch(seen(3, a=2)))
    assert (result.ahead, result.late) == ((time_of(FUTURE),), 1)


_contents = st.tuples(
    st.integers(0, 1), st.dictionaries(st.sampled_from("ab"), st.integers(0, 3), max_size=2)
)
_sequences = st.lists(
    st.tuples(st.sampled_from(["x", "y"]), _contents, st.booleans()), min_size=1, max_size=8
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=_sequences)
def test_any_observations_in_any_batches_give_the_plain_fold(
    store: Store, steps: list[tuple[str, tuple[int, dict[str, int]], bool]]
) -> None:
    """However a sequence is cut into batches, each entity's history is the fold of it."""
    example = next(_numbers)
    batch: list[Observation] = []
    told: dict[str, list[Observation]] = {}
    for second, (name, (score, markets), cut) in enumerate(steps):
        one = Observation(f"{name}{example}", second, score, markets)
        batch.append(one)
        told.setdefault(one.name, []).append(one)
        if cut:
            write(store, *batch)
            batch = []
    if batch:
        write(store, *batch)

    for name, observations in told.items():
        assert store.history(name) == fold(observations)
