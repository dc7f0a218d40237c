"""Dead letters: what a line says, what a file bears, and that nothing else is needed to replay."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import os
import uuid
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.dead_letters.file import (
    DeadLetterFile,
    DoneFile,
    check_folder,
    files_in,
    is_torn,
    lines_of,
)
from scrapy_snapshot_pipeline.dead_letters.format import (
    DeadLetter,
    decode,
    encode,
    read_fields,
    reason_of,
)
from scrapy_snapshot_pipeline.dead_letters.replay import DAMAGED, UNKNOWN, Replay
from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.errors import (
    AbandonedError,
    BadDataError,
    Cause,
    DeadLetterError,
    OutageError,
    SettingsError,
    SystemicError,
    TooSlowError,
    WriteError,
)
from scrapy_snapshot_pipeline.records import (
    Batch,
    ChildRecord,
    Outcome,
    SnapshotRecord,
    Value,
    WriteResult,
)
from tests.unit.fakes import RUN_ID, START, ScriptedStore

KEY = Column("match", Kind.TEXT, Role.KEY)
ODDS = Column("odds", Kind.JSON, Role.TRACKED)
LEG = ChildTable("odds_legs", ("legs",), None, (KEY, ODDS), object)
DECLARATION = Declaration(object, "odds", (KEY, ODDS), (LEG,))
MIB = 1024 * 1024

VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None)),
    st.binary(),
    st.decimals(allow_nan=False),
    st.datetimes(timezones=st.just(dt.timezone.utc)),
    st.dates(),
    st.times(),
    st.uuids(),
)


def make_letter(number: int = 1, odds: Value = "1.85") -> DeadLetter:
    """Make a letter of a record with one child row, whose key is `match <number>`."""
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


@given(VALUES)
def test_a_letter_comes_back_as_it_was(value: Value) -> None:
    """Every value keeps its type and its digits, also a lone surrogate and an infinity."""
    letter = make_letter(odds=value)
    back = decode(read_fields(encode(letter, DECLARATION)), DECLARATION)
    if isinstance(value, float) and math.isnan(value):
        assert math.isnan(back.record.values[1])  # type: ignore[arg-type]
        return
    assert back == letter
    assert type(back.record.values[1]) is type(value)


def test_a_line_is_understood_without_anything_else() -> None:
    """Table, key, time, reason, error and values, in plain JSON of ASCII."""
    fields = json.loads(encode(make_letter(odds=Decimal("1.10")), DECLARATION).decode("ascii"))
    assert fields["v"] == 1
    assert (fields["table"], fields["key"]) == ("odds", {"match": "match 1"})
    assert fields["observed_at"] == "2024-01-01T00:00:01+00:00"
    assert (fields["reason"], fields["code"]) == ("data", "22003")
    assert fields["persistence"] == "possibly_persisted"
    assert fields["values"]["odds"] == {"$t": "decimal", "v": "1.10"}
    assert fields["children"]["odds_legs"][0]["values"]["match"] == "match 1"


@pytest.mark.parametrize("end", range(0, len(line()), 7))
def test_a_torn_line_is_told(end: int) -> None:
    """Cut anywhere, it is no letter, and nothing of it is replayed."""
    with pytest.raises(DeadLetterError):
        read_fields(line()[:end])


def test_a_changed_line_is_told() -> None:
    """By one digit, its sha256 does not fit."""
    with pytest.raises(DeadLetterError, match="sha256"):
        read_fields(line().replace(b"1.85", b"9.85", 1))


def test_a_declaration_that_has_changed_is_told() -> None:
    """The record is not forced into other columns."""
    price = Column("price", Kind.TEXT, Role.TRACKED)
    other = dataclasses.replace(DECLARATION, columns=(KEY, price))
    with pytest.raises(DeadLetterError, match="other columns than table odds"):
        decode(read_fields(line()), other)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (BadDataError("", Cause("x", "22003")), "data"),
        (BadDataError("", Cause("x", "23514")), "integrity"),
        (WriteError("", Cause("x", "SQLITE_CONSTRAINT_CHECK")), "integrity"),
        (BadDataError("", Cause("builtins.OverflowError")), "unserialisable"),
        (BadDataError("", Cause("builtins.MemoryError")), "too_large"),
        (TooSlowError("", Cause("x", "57014")), "timeout"),
        (SystemicError("", Cause("x", "42P01")), "systemic"),
        (OutageError("", Cause("x", "")), "exhausted"),
        (AbandonedError(""), "shutdown"),
        (SystemExit(), "systemic"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_the_reason_is_one_word(error: BaseException, reason: str) -> None:
    """It follows from the error."""
    assert reason_of(error) == reason


# Files


def open_file(folder: Path, max_bytes: int = MIB) -> DeadLetterFile:
    """Make the file of run 1 in a folder that does not exist yet."""
    return DeadLetterFile(folder / "letters", RUN_ID, max_bytes)


def test_a_file_is_private_and_named_by_the_run(tmp_path: Path) -> None:
    """Nobody else may read what was scraped, whatever the umask."""
    before = os.umask(0)
    try:
        file = open_file(tmp_path)
        file.append([line()])
    finally:
        os.umask(before)
    assert file.path == tmp_path / "letters" / f"{RUN_ID}.jsonl"
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o777 == 0o700


def test_there_is_no_file_without_a_letter(tmp_path: Path) -> None:
    """Nor a folder."""
    open_file(tmp_path).close()
    assert list(tmp_path.iterdir()) == []
    assert files_in(tmp_path / "letters") == []


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """Somebody could put a link or a line there."""
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters").chmod(0o777)
    with pytest.raises(DeadLetterError, match="chmod 700"):
        open_file(tmp_path).append([line()])


def test_a_folder_to_be_made_is_fine_and_is_not_made(tmp_path: Path) -> None:
    """Most crawls have no dead letter."""
    check_folder(tmp_path / "data" / "letters")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o770, 0o707], ids=["group", "world"])
def test_a_folder_that_others_may_write_is_refused_at_start(tmp_path: Path, mode: int) -> None:
    """The text names the setting and the cure."""
    tmp_path.chmod(mode)
    with pytest.raises(SettingsError, match=r"SNAPSHOT_DEAD_LETTER_DIR: .* chmod 700"):
        check_folder(tmp_path)


def test_a_folder_of_somebody_else_is_refused_at_start(tmp_path: Path) -> None:
    """Its owner could give it away later."""
    folder = tmp_path if os.getuid() == 0 else Path("/usr")
    if os.getuid() == 0:
        os.chown(folder, 12345, -1)
    with pytest.raises(SettingsError, match="SNAPSHOT_DEAD_LETTER_DIR"):
        check_folder(folder)


@pytest.mark.parametrize("name", ["file", "file/letters", "link", "link/letters"])
def test_a_folder_that_cannot_be_made_is_refused_at_start(tmp_path: Path, name: str) -> None:
    """A file is in its way, or a link to nowhere."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="is no folder; set SNAPSHOT_DEAD_LETTER_DIR"):
        check_folder(tmp_path / name)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("name", ["", "letters"], ids=["itself", "its parent"])
def test_a_folder_that_may_not_be_written_is_refused_at_start(tmp_path: Path, name: str) -> None:
    """Better now than with a letter in hand."""
    tmp_path.chmod(0o500)
    with pytest.raises(SettingsError, match="may not be written to by this user"):
        check_folder(tmp_path / name)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """The file of a run is new, or one of ours."""
    file = open_file(tmp_path)
    file.path.parent.mkdir(mode=0o700)
    file.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeadLetterError, match="cannot be written"):
        file.append([line()])


def test_a_file_is_bounded(tmp_path: Path) -> None:
    """What would exceed the limit is refused whole, with the setting in the text."""
    file = open_file(tmp_path, max_bytes=2 * len(line()))
    file.append([line(1)])
    with pytest.raises(DeadLetterError, match="SNAPSHOT_DEAD_LETTER_MAX_BYTES"):
        file.append([line(2), line(3)])
    file.append([line(4)])
    assert list(lines_of(file.path)) == [line(1), line(4)]


def test_a_torn_last_line_is_passed_over_and_harms_no_later_one(tmp_path: Path) -> None:
    """A crash may cut the last line; the next writer begins a new one."""
    file = open_file(tmp_path)
    file.append([line(1), line(2)])
    file.close()
    os.truncate(file.path, len(line()) + 20)
    assert is_torn(file.path)
    assert list(lines_of(file.path)) == [line(1)]
    open_file(tmp_path).append([line(3)])
    assert list(lines_of(file.path))[-1] == line(3)


def test_what_is_done_is_known_again(tmp_path: Path) -> None:
    """By the sha256 of a line; a torn last note is passed over."""
    done = DoneFile(tmp_path / "run.jsonl")
    assert done.read() == {}
    os.chmod(tmp_path, 0o700)  # noqa: PTH101
    done.append([("a" * 64, "inserted")])
    with done.path.open("a") as opened:
        opened.write("b" * 10)
    assert done.read() == {"a" * 64: "inserted"}


# Replay


class ReplayRig:
    """A replay over a scripted store, with one file of letters 1 to 5."""

    def __init__(self, folder: Path, *script: BaseException | None) -> None:
        self.folder = folder
        self.store = ScriptedStore(*script)
        self.slept: list[float] = []
        self.kept: list[int] = []
        self.advanced = 0
        self.file = DeadLetterFile(folder / "letters", uuid.UUID(int=5), MIB)
        self.file.append([line(number) for number in range(1, 6)])

    def run(self, write: Callable[[Batch], WriteResult] | None = None) -> Counter[str]:
        """Replay the file."""
        replay = Replay(
            write=write or self.store.write,
            declarations={"odds": DECLARATION},
            spool=self.keep,
            policy=RetryPolicy(outage_timeout=3.0),
            batch_size=3,
            sleep=self.slept.append,
            now=lambda: sum(self.slept),
            chance=lambda: 1.0,
            advanced=self.advance,
        )
        replay.file(self.file.path)
        return replay.counts

    def keep(
        self,
        records: tuple[SnapshotRecord, ...],
        error: BaseException,
        attempts: int,
        *,
        possibly_stored: bool,
    ) -> None:
        """Keep what failed again."""
        assert isinstance(error, WriteError)
        assert attempts > 1
        assert not possibly_stored
        self.kept += [record.snapshot_id for record in records]

    def advance(self, count: int) -> None:
        """Count lines that are dealt with."""
        self.advanced += count

    @property
    def committed(self) -> list[int]:
        """Numbers of the committed records."""
        return [one.snapshot_id for batch in self.store.committed for one in batch.records]


def test_a_replay_stores_every_letter_as_a_retry(tmp_path: Path) -> None:
    """With its own ids, and never as a first attempt: it may be stored already."""
    rig = ReplayRig(tmp_path)
    assert rig.run() == {Outcome.INSERTED.value: 5}
    assert rig.committed == [1, 2, 3, 4, 5]
    assert all(batch.attempt > 1 for batch in rig.store.written)
    assert rig.advanced == 5


def test_a_second_replay_does_nothing(tmp_path: Path) -> None:
    """What the first one has stored is noted beside the file."""
    rig = ReplayRig(tmp_path)
    rig.run()
    assert rig.run() == {}
    assert len(rig.store.written) == 2


def test_what_fails_again_is_kept_and_the_rest_is_stored(tmp_path: Path) -> None:
    """In a new file, never at the end of the one that is read."""
    rig = ReplayRig(tmp_path)
    rig.store.refused[2] = BadDataError("too long")
    assert rig.run() == {Outcome.INSERTED.value: 4, Outcome.DEAD_LETTERED.value: 1}
    assert rig.kept == [2]
    assert len(list(lines_of(rig.file.path))) == 5


def test_an_outage_is_waited_for(tmp_path: Path) -> None:
    """As in a crawl."""
    rig = ReplayRig(tmp_path, OutageError("away"), OutageError("away"))
    rig.run()
    assert rig.slept == [1.0, 2.0]
    assert rig.committed == [1, 2, 3, 4, 5]


def test_a_replay_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    """What was committed before a database went away for good is not sent again."""
    rig = ReplayRig(tmp_path, None, *(OutageError("away") for _ in range(9)))
    with pytest.raises(OutageError):
        rig.run()
    rig.store.script.clear()
    assert rig.run() == {Outcome.INSERTED.value: 2}
    assert rig.committed == [1, 2, 3, 4, 5]


def test_damaged_and_undeclared_lines_are_counted_and_passed_over(tmp_path: Path) -> None:
    """They stay in the file, and are not done."""
    rig = ReplayRig(tmp_path)
    other = make_letter().record._replace(table="prices")
    letter = dataclasses.replace(make_letter(), record=other)
    rig.file.append([line(6).replace(b"1.85", b"9.85", 1), encode(letter, DECLARATION)])
    assert rig.run() == {Outcome.INSERTED.value: 5, DAMAGED: 1, UNKNOWN: 1}
    assert rig.run() == {DAMAGED: 1, UNKNOWN: 1}
