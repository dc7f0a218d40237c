"""`scrapy snapshots replay`, as a user types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.letters import LINES, Letters
from tests.crawl.database import column, connected

pytestmark = pytest.mark.crawl

REFUSE = (
    "CREATE TRIGGER refuse BEFORE INSERT ON ticker WHEN NEW.sku = 'a1'"
    " BEGIN SELECT RAISE(ABORT, 'no'); END"
)
NOTHING_TO_DO = "replayed: nothing, all was done before\n"


@pytest.fixture
def letters(tmp_path: Path, sqlite_url: str) -> Letters:
    """A project without dead letters."""
    return Letters(tmp_path, sqlite_url)


def stored(letters: Letters) -> list[str]:
    """The key of each stored version."""
    return column(letters.url, "SELECT sku FROM ticker ORDER BY sku")


def test_nothing_to_replay(letters: Letters) -> None:
    """The command says so, and creates no folder."""
    done = letters.run("replay")
    assert (done.returncode, done.stdout) == (0, NOTHING_TO_DO)
    assert not letters.folder.exists()


def test_second_replay_changes_nothing(tmp_path: Path, database_url: str) -> None:
    """Not even one that has lost the list of what is done: the ids are the same."""
    letters = Letters(tmp_path, database_url)
    letters.fill()
    first = letters.run("replay")
    assert (first.returncode, first.stdout) == (0, "replayed: inserted 3\n")
    assert letters.run("replay").stdout == NOTHING_TO_DO
    letters.path.with_name(f"{letters.path.name}.done").unlink()
    assert letters.run("replay").returncode == 0
    assert stored(letters) == ["a0", "a1", "a2"]
    assert column(letters.url, "SELECT count(*) FROM ticker_legs") == [2 * LINES]


def test_what_fails_again_goes_to_a_new_file(letters: Letters) -> None:
    """The others are stored.  Once the cause is gone, the new file can be replayed."""
    letters.create_tables()
    with connected(letters.url) as connection:
        connection.exec_driver_sql(REFUSE)
    letters.fill()
    done = letters.run("replay")
    [new] = set(letters.folder.glob("*.jsonl")) - {letters.path}
    assert done.returncode == 1
    assert f"what failed again is in {new}" in done.stdout
    assert stored(letters) == ["a0", "a2"]
    assert len(new.read_bytes().splitlines()) == 1

    with connected(letters.url) as connection:
        connection.exec_driver_sql("DROP TRIGGER refuse")
    assert letters.run("replay").stdout == "replayed: inserted 1\n"
    assert stored(letters) == ["a0", "a1", "a2"]


def test_torn_last_line_is_skipped(letters: Letters) -> None:
    """A crash has cut it off; the others are stored."""
    letters.fill()
    letters.path.write_bytes(letters.path.read_bytes()[:-20])
    assert letters.run("replay").stdout == "replayed: inserted 2\n"
    assert stored(letters) == ["a0", "a1"]


def test_changed_line_is_never_stored(letters: Letters) -> None:
    """It stays in its file; each replay reports it and exits with code 1."""
    letters.fill()
    changed = letters.path.read_bytes().replace(b'"a1"', b'"b1"')
    letters.path.write_bytes(changed)
    for _ in range(2):
        done = letters.run("replay")
        assert done.returncode == 1
        assert "damaged 1" in done.stdout
        assert "damaged lines cannot be replayed: their sha256 does not fit" in done.stdout
    assert stored(letters) == ["a0", "a2"]
    assert letters.path.read_bytes() == changed


def test_database_that_is_not_there(letters: Letters) -> None:
    """The error is one line, and the letters can be replayed later."""
    letters.fill()
    url, letters.url = letters.url, "sqlite:////no/such/folder/snapshots.db"
    done = letters.run("replay")
    assert done.returncode == 1
    assert "connecting failed" in done.stderr
    assert "Traceback" not in done.stderr
    letters.url = url
    assert letters.run("replay").stdout == "replayed: inserted 3\n"
