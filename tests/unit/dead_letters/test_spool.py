"""From records that could not be stored to lines in a file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.dead_letters.file import DeadLetterFile, read_lines
from scrapy_snapshot_pipeline.dead_letters.format import DeadLetter, decode, read_fields
from scrapy_snapshot_pipeline.dead_letters.spool import DeadLetterSpool
from scrapy_snapshot_pipeline.delivery.ports import Spool
from scrapy_snapshot_pipeline.errors import (
    NO_CAUSE,
    AbandonedError,
    BadDataError,
    Cause,
    DeadLetterError,
)
from tests.unit.dead_letters.letters import DECLARATION, MIB, make_letter
from tests.unit.fakes import RUN_ID, START

NOW = START + dt.timedelta(hours=1)
CAUSE = Cause("psycopg2.errors.NumericValueOutOfRange", "22003", "odds", "odds", "")
RECORDS = (make_letter(1).record, make_letter(2).record)


@pytest.fixture
def file(tmp_path: Path) -> DeadLetterFile:
    """Make the file of a run."""
    return DeadLetterFile(tmp_path / "letters", RUN_ID, MIB)


@pytest.fixture
def spool(file: DeadLetterFile) -> Spool:
    """Make a spool to that file."""
    return DeadLetterSpool(file, "prices", {"odds": DECLARATION}, lambda: NOW)


def letters(file: DeadLetterFile) -> list[DeadLetter]:
    """Read what was written."""
    return [decode(read_fields(line), DECLARATION) for line in read_lines(file.path)]


def test_each_record_becomes_a_letter(spool: Spool, file: DeadLetterFile) -> None:
    """It says who failed to store what, when and why."""
    spool(RECORDS, BadDataError("too large", CAUSE), 3, possibly_stored=True)
    first, second = letters(file)
    assert (first.record, second.record) == RECORDS
    assert (first.spider, first.failed_at, first.attempts) == ("prices", NOW, 3)
    assert (first.reason, first.error_class, first.cause) == ("data", "BadDataError", CAUSE)
    assert first.message == "too large"
    assert first.possibly_stored


def test_the_text_of_an_error_that_is_not_ours_is_left_out(
    spool: Spool, file: DeadLetterFile
) -> None:
    """It may quote a scraped value."""
    spool(RECORDS[:1], ValueError("hunter2"), 1, possibly_stored=False)
    [letter] = letters(file)
    assert (letter.error_class, letter.message, letter.cause) == ("ValueError", "", NO_CAUSE)
    assert b"hunter2" not in file.path.read_bytes()


def test_an_error_without_a_cause_is_our_own(spool: Spool, file: DeadLetterFile) -> None:
    """As when the crawl was forced to stop."""
    spool(RECORDS[:1], AbandonedError("forced"), 0, possibly_stored=False)
    [letter] = letters(file)
    assert (letter.reason, letter.message, letter.cause) == ("shutdown", "forced", NO_CAUSE)


def test_a_file_that_is_full_takes_none_of_them(tmp_path: Path) -> None:
    """They are spooled together or not at all."""
    small = DeadLetterFile(tmp_path / "letters", RUN_ID, 1_000)
    spool = DeadLetterSpool(small, "prices", {"odds": DECLARATION}, lambda: NOW)
    spool(RECORDS[:1], AbandonedError("forced"), 0, possibly_stored=False)
    with pytest.raises(DeadLetterError, match="SNAPSHOT_DEAD_LETTER_MAX_BYTES"):
        spool(RECORDS, AbandonedError("forced"), 0, possibly_stored=False)
    assert len(letters(small)) == 1
