from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.soak.histories import Fault, Step, history_of
from tests.soak.run import failure, shrunk
from tests.soak.troubles import FileDatabase, ServerDatabase, opened
from tests.soak.writers import NaiveWriter, StoreWriter

SEEDS = range(5)
"""The rest is left to `tox -e soak`."""

TROUBLE = [Step(step.batch, Fault.AFTER) for step in history_of(0)]
CALM = [replace(step, fault=Fault.NONE, replayed=False) for step in TROUBLE]


SERVERS = [pytest.param(name, marks=pytest.mark.postgresql) for name in ("near", "far")]


@pytest.fixture(params=["sqlite", *SERVERS])
def database(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[ServerDatabase | FileDatabase]:
    """Each database, with its troubles."""
    made: ServerDatabase | FileDatabase
    if request.param == "sqlite":
        made = FileDatabase(tmp_path / "soak.db")
    else:
        url = request.getfixturevalue("postgresql_url")
        made = ServerDatabase(url, far=request.param == "far")
    with opened(made):
        yield made


def test_random_faults_over_random_histories(database: ServerDatabase | FileDatabase) -> None:
    """Whatever happened on the way, what is stored is the plain fold of what was seen."""
    wrong = {seed: failure(history_of(seed), database, StoreWriter) for seed in SEEDS}
    assert not any(wrong.values()), wrong
    assert database.troubles


def test_naive_writer_fails(database: ServerDatabase | FileDatabase) -> None:
    """The control: without ids that outlive a retry, lost answers double what is stored."""
    assert failure(CALM, database, NaiveWriter) is None
    assert failure(TROUBLE, database, NaiveWriter) is not None


def test_failure_is_shrunk(tmp_path: Path) -> None:
    """Of the naive writer's failure one lost answer and one batch of two remain."""
    with opened(FileDatabase(tmp_path / "soak.db")) as database:
        steps = shrunk(TROUBLE, lambda few: failure(few, database, NaiveWriter) is not None)
    assert [step.fault for step in steps].count(Fault.AFTER) == 1
    assert sum(len(step.batch) for step in steps) == 2


def test_seed_is_reproducible() -> None:
    """The same seed gives the same steps, another one others."""
    assert history_of(7) == history_of(7)
    assert history_of(7) != history_of(8)
