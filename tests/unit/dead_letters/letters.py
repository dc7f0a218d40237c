"""A declaration, and letters of its records."""

from __future__ import annotations

import datetime as dt

from scrapy_snapshot_pipeline.dead_letters.format import DeadLetter, encode
from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.errors import Cause
from scrapy_snapshot_pipeline.records import ChildRecord, SnapshotRecord, Value
from tests.unit.fakes import RUN_ID, START

KEY = Column("match", Kind.TEXT, Role.KEY)
ODDS = Column("odds", Kind.JSON, Role.TRACKED)
LEG = ChildTable("odds_legs", ("legs",), None, (KEY, ODDS), object)
DECLARATION = Declaration(object, "odds", (KEY, ODDS), (LEG,))
MIB = 1024 * 1024


def make_letter(number: int = 1, odds: Value = "1.85") -> DeadLetter:
    """Make a letter of a record with the key `match <number>` and one child row."""
    key = f"match {number}"
    child = ChildRecord(b"c" * 16 + b"h" * 16, None, (key, odds))
    record = SnapshotRecord(
        table="odds",
        entity_id=number.to_bytes(16, "big"),
        snapshot_id=number,
        content_hash=b"h" * 16,
        observed_at=START + dt.timedelta(seconds=number),
        run_id=RUN_ID,
        values=(key, odds),
        children=((child,),),
        size=9,
    )
    cause = Cause("psycopg2.errors.NumericValueOutOfRange", "22003", "odds", "odds", "")
    message = "writing failed"
    return DeadLetter(record, "spider", START, "data", 2, True, "BadDataError", message, cause)


def line(number: int = 1) -> bytes:
    """Make the line of a letter."""
    return encode(make_letter(number), DECLARATION)
