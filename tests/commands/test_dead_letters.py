"""`scrapy snapshots dead-letters`, as a user types it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.errors import Cause
from tests.commands.letters import Letters

pytestmark = pytest.mark.crawl

HOSTILE = "\x1b]0;owned\x07\u202e"


@pytest.fixture
def letters(tmp_path: Path, sqlite_url: str) -> Letters:
    """A project without dead letters."""
    return Letters(tmp_path, sqlite_url)


def test_no_letters(letters: Letters) -> None:
    """It says so, names the folder, and makes none."""
    done = letters.run("dead-letters")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"no dead letters in {letters.folder}\n"
    assert not letters.folder.exists()


def test_letters_are_counted_by_table_reason_and_error(letters: Letters) -> None:
    """The largest group comes first; each has the time of its oldest observation."""
    letters.add(5, "data", Cause("psycopg2.errors.NumericValueOutOfRange", "22003"))
    letters.fill()
    done = letters.run("dead-letters")
    assert (done.returncode, done.stderr) == (0, "")
    head, *groups = done.stdout.splitlines()
    assert head == f"{letters.path}: 4 to replay, 0 replayed"
    assert [line.split() for line in groups] == [
        ["3", "ticker", "exhausted", "psycopg2.OperationalError", "oldest", oldest(0)],
        ["1", "ticker", "data", "psycopg2.errors.NumericValueOutOfRange", "oldest", oldest(5)],
    ]


def test_what_is_replayed_is_counted_apart(letters: Letters) -> None:
    """It no longer waits for a replay."""
    letters.fill()
    assert letters.run("replay").returncode == 0
    assert letters.run("dead-letters").stdout == f"{letters.path}: 0 to replay, 3 replayed\n"


def test_torn_and_changed_lines_are_counted(letters: Letters) -> None:
    """The other lines are listed."""
    letters.fill()
    letters.path.write_bytes(letters.path.read_bytes().replace(b'"a1"', b'"b1"')[:-20])
    head, *groups = letters.run("dead-letters").stdout.splitlines()
    assert head == f"{letters.path}: 1 to replay, 0 replayed, 2 damaged lines"
    assert len(groups) == 1


def test_file_that_is_named_is_the_only_one(letters: Letters, tmp_path: Path) -> None:
    """If it does not exist, the error is one line."""
    letters.fill()
    done = letters.run("dead-letters", str(tmp_path / "other.jsonl"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "other.jsonl cannot be read" in done.stderr


def test_control_characters_are_escaped(letters: Letters) -> None:
    """Both in the lines of a file and in its name."""
    letters.add(1, HOSTILE, Cause(HOSTILE))
    hostile = os.fspath(letters.path.rename(letters.path.with_name(f"{HOSTILE}.jsonl")))
    done = letters.run("dead-letters", hostile)
    assert done.returncode == 0
    assert all(line.isprintable() for line in done.stdout.splitlines())
    assert done.stdout.count("\\x1b]0;owned\\x07\\u202e") == 3


def oldest(second: int) -> str:
    """The time of an observation, as the command shows it."""
    return f"2026-01-01T00:00:0{second}+00:00"
