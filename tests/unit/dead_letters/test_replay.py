"""Replay: every letter once, as a repeated attempt, and the rest later where the database fails."""

from __future__ import annotations

import dataclasses
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.dead_letters.file import DeadLetterFile, read_lines
from scrapy_snapshot_pipeline.dead_letters.format import encode
from scrapy_snapshot_pipeline.dead_letters.replay import DAMAGED, UNDECLARED, Replay, Way
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.errors import BadDataError, OutageError, WriteError
from scrapy_snapshot_pipeline.records import Batch, Outcome, SnapshotRecord, WriteResult
from tests.unit.dead_letters.letters import DECLARATION, MIB, line, make_letter
from tests.unit.fakes import ScriptedStore


class ReplayRig:
    """A replay into a scripted store, of one file with the letters 1 to 5."""

    def __init__(self, folder: Path, *script: BaseException | None) -> None:
        self.folder = folder
        self.store = ScriptedStore(*script)
        self.slept: list[float] = []
        self.spooled: list[int] = []
        self.done = 0
        self.file = DeadLetterFile(folder / "letters", uuid.UUID(int=5), MIB)
        self.file.append([line(number) for number in range(1, 6)])

    def run(self, write: Callable[[Batch], WriteResult] | None = None) -> Counter[str]:
        """Replay the file."""
        replay = Replay(
            ways=[Way({"odds": DECLARATION}, write or self.store.write, self.spool)],
            policy=RetryPolicy(outage_timeout=3.0),
            batch_size=3,
            sleep=self.slept.append,
            now=lambda: sum(self.slept),
            chance=lambda: 1.0,
            on_lines_done=self.count_done,
        )
        replay.replay_file(self.file.path)
        return replay.counts

    def spool(
        self,
        records: tuple[SnapshotRecord, ...],
        error: BaseException,
        attempts: int,
        *,
        possibly_stored: bool,
    ) -> None:
        """Note the records that failed again."""
        assert isinstance(error, WriteError)
        assert attempts > 1
        assert not possibly_stored
        self.spooled += [record.snapshot_id for record in records]

    def count_done(self, count: int) -> None:
        """Count the lines that are dealt with."""
        self.done += count

    @property
    def committed(self) -> list[int]:
        """The numbers of the committed records."""
        return [one.snapshot_id for batch in self.store.committed for one in batch.records]


def test_a_replay_stores_every_letter_as_a_retry(tmp_path: Path) -> None:
    """Records keep their ids; no attempt is a first one, since a record may be stored already."""
    rig = ReplayRig(tmp_path)
    assert rig.run() == {Outcome.INSERTED.value: 5}
    assert rig.committed == [1, 2, 3, 4, 5]
    assert all(batch.attempt > 1 for batch in rig.store.written)
    assert rig.done == 5


def test_a_second_replay_does_nothing(tmp_path: Path) -> None:
    """What the first one stored is noted in a file beside it."""
    rig = ReplayRig(tmp_path)
    rig.run()
    assert rig.run() == {}
    assert len(rig.store.written) == 2


def test_what_fails_again_is_spooled_and_the_rest_is_stored(tmp_path: Path) -> None:
    """The spool has a file of its own; the one that is read does not grow."""
    rig = ReplayRig(tmp_path)
    rig.store.refused[2] = BadDataError("too long")
    assert rig.run() == {Outcome.INSERTED.value: 4, Outcome.DEAD_LETTERED.value: 1}
    assert rig.spooled == [2]
    assert len(list(read_lines(rig.file.path))) == 5


def test_an_outage_is_waited_for(tmp_path: Path) -> None:
    """With the same backoff as in a crawl."""
    rig = ReplayRig(tmp_path, OutageError("away"), OutageError("away"))
    rig.run()
    assert rig.slept == [1.0, 2.0]
    assert rig.committed == [1, 2, 3, 4, 5]


def test_a_replay_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    """What was committed before the database went away for good is not sent again."""
    rig = ReplayRig(tmp_path, None, *(OutageError("away") for _ in range(9)))
    with pytest.raises(OutageError):
        rig.run()
    rig.store.script.clear()
    assert rig.run() == {Outcome.INSERTED.value: 2}
    assert rig.committed == [1, 2, 3, 4, 5]


def test_damaged_and_undeclared_lines_are_counted_and_skipped(tmp_path: Path) -> None:
    """They stay in the file, and the next replay counts them again."""
    rig = ReplayRig(tmp_path)
    other = make_letter().record._replace(table="prices")
    letter = dataclasses.replace(make_letter(), record=other)
    rig.file.append([line(6).replace(b"1.85", b"9.85", 1), encode(letter, DECLARATION)])
    assert rig.run() == {Outcome.INSERTED.value: 5, DAMAGED: 1, UNDECLARED: 1}
    assert rig.run() == {DAMAGED: 1, UNDECLARED: 1}
