"""What another writer does at the same time, in a transaction of the test's own."""

from __future__ import annotations

import time

import sqlalchemy as sa

from tests.contract.entities import Observation, at, record
from tests.contract.split_histories import contract_tables

# A transaction sees only the sessions of its first look, unless that look is thrown away.
_LOOK_ANEW = "SELECT pg_stat_clear_snapshot()"
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def wait_until_blocked(looking: sa.Connection) -> None:
    """Wait until somebody in this database waits for somebody else."""
    deadline = time.monotonic() + 20
    while not looking.exec_driver_sql(_WAITING).scalar_one():
        assert time.monotonic() < deadline, "nobody waits for a lock"
        time.sleep(0.01)
        looking.exec_driver_sql(_LOOK_ANEW)


def insert_as_another_writer(connection: sa.Connection, name: str) -> None:
    """Insert a new entity that was seen in second 0, with score 0 and no markets.

    Some entity must be stored already.
    """
    table = contract_tables().versions
    stored = connection.execute(sa.select(table).limit(1)).mappings().one()
    seen = record(Observation(name, 0, 0, {}))
    own = {
        "entity_id": seen.entity_id,
        "snapshot_id": seen.snapshot_id,
        "content_hash": seen.content_hash,
        "name": name,
        "score": 0,
        "valid_from": at(0),
        "last_confirmed_at": at(0),
        "valid_to": None,
    }
    connection.execute(sa.insert(table), {**stored, **own})
