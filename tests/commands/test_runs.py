"""The list of the crawls shows at one look which of them is not whole."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping

import pytest

from scrapy_snapshot_pipeline.records import COUNTERS
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.schema.runs import Run, RunEnd
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.commands.in_process import run_command

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def keep_runs(url: str, *counters: Mapping[str, int]) -> None:
    """Write the rows of crawls that have ended with these counters, the first one first."""
    store = SnapshotStore(connect_engine(url, connect_timeout=10))
    store.declare([])
    for number, counted in enumerate(counters):
        run_id, time = uuid.UUID(int=number), START + dt.timedelta(days=number)
        store.start_run(Run(run_id, "competitor_odds", time))
        whole = {**dict.fromkeys(COUNTERS, 0), **counted}
        store.finish_run(RunEnd(run_id, time, "finished", whole))
    store.close()


@pytest.mark.parametrize(
    ("counters", "shown"),
    [
        ({"inserted": 380, "accepted": 380}, ["new", "changed", "confirmed"]),
        ({"rejected": 380}, ["rejected", "new", "changed"]),
        ({"ignored": 5, "confirmed": 7}, ["ignored", "new", "changed"]),
        ({"rejected": 380, "ignored": 5}, ["rejected", "ignored", "new"]),
        ({"dead_lettered": 3, "dropped": 2, "failed": 1}, ["unstored", "new", "changed"]),
    ],
)
def test_what_a_crawl_lacks_has_room_on_eighty_columns(
    sqlite_url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    counters: Mapping[str, int],
    shown: list[str],
) -> None:
    """It comes before what was stored; a word such as `incomplete` is not broken."""
    monkeypatch.setenv("COLUMNS", "80")
    keep_runs(sqlite_url, {"revised": 1, "accepted": 1}, counters)
    run_command(sqlite_url, "runs")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["started_at", "run", "spider", "status", *shown]
    assert max(map(len, lines)) <= 80
    lacks = shown[0] in {"rejected", "unstored"}
    assert lines[2].split()[4] == ("incomplete" if lacks else "finished")


def test_every_count_is_there_where_there_is_room(
    sqlite_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that are 0; what is neither stored nor rejected is one number."""
    monkeypatch.setenv("COLUMNS", "200")
    keep_runs(sqlite_url, {"rejected": 9, "dead_lettered": 3, "dropped": 2, "failed": 1})
    run_command(sqlite_url, "runs")
    head, _, row = (line.split() for line in capsys.readouterr().out.splitlines()[:3])
    counts = dict(zip(head[4:-2], row[5:], strict=False))
    assert counts == {
        "rejected": "9",
        "unstored": "6",
        "new": "0",
        "changed": "0",
        "confirmed": "0",
        "accepted": "0",
        "ignored": "0",
    }
