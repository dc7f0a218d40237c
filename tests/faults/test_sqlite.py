"""SQLite's own troubles: faults 26 to 31."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.crawl.crawls import REFUSED
from tests.faults.conftest import Begin, Verdict
from tests.faults.crawling import Looking
from tests.faults.oracles import assert_beating, doubled, lost, stored
from tests.faults.replaying import assert_replayed, assert_spooled


def file_of(url: str) -> Path:
    """The file of the database."""
    database = sa.make_url(url).database
    assert database is not None
    return Path(database)


def assert_stopped(crawl: Looking, seconds: float = 40) -> None:
    """The crawl stopped by itself; what was not stored is in the dead letters."""
    crawl.crawl.finish(seconds)
    assert_spooled(crawl)


@pytest.mark.fault(26)
def test_locked(begin: Begin, sqlite_url: str, verdict: Verdict) -> None:
    """While another process holds the file the crawl waits, and its reactor does not."""
    crawl = begin(sqlite_url)
    crawl.run()
    other = sqlite3.connect(file_of(sqlite_url), isolation_level=None, timeout=10)
    other.execute("BEGIN IMMEDIATE")
    crawl.wait_for(lambda: crawl.stalled(3), "stall")
    other.execute("ROLLBACK")
    other.close()
    crawl.run()
    assert crawl.enough() == 0, crawl.crawl.log
    assert not crawl.refused, crawl.crawl.log
    verdict.of("waited 3 s, went on", crawl)
    assert_beating(crawl)


@pytest.mark.slow
@pytest.mark.fault(27)
def test_snapshot_busy(begin: Begin, sqlite_url: str, verdict: Verdict) -> None:
    """Two crawls write different entities into one file, and neither writes on a stale read."""
    crawls = [begin(sqlite_url, shard=shard) for shard in "ab"]
    for crawl in crawls:
        crawl.run(300)
    assert [crawl.enough() for crawl in crawls] == [0, 0]
    assert not any("BUSY_SNAPSHOT" in crawl.crawl.log for crawl in crawls)
    verdict.of("never met", *crawls)


@pytest.mark.fault(28)
def test_read_only_file(begin: Begin, tmp_path: Path, verdict: Verdict) -> None:
    """A file that may not be written ends the crawl at its start."""
    sqlite3.connect(tmp_path / "read-only.db").close()
    url = f"sqlite:///file:{tmp_path}/read-only.db?mode=ro&uri=true"
    crawl = begin(url, {"SNAPSHOT_OPEN_TIMEOUT": 2})
    assert crawl.crawl.finish() == REFUSED
    assert "downloader/request_count" not in crawl.crawl.stats
    verdict("refused at start", "sqlite")


def fill_disk(crawl: Looking) -> None:
    """Let the process write no file beyond the present size of the database's log."""
    pid = str(crawl.crawl.process.pid)
    limit = file_of(crawl.url).with_name("snapshots.db-wal").stat().st_size + 4096
    subprocess.run(["prlimit", "--pid", pid, f"--fsize={limit}:"], check=True)


@pytest.mark.fault(29)
def test_full_disk_of_database_and_dead_letters(
    begin: Begin, sqlite_url: str, verdict: Verdict
) -> None:
    """The crawl stops; nothing that was acknowledged is lost, and what is lost is counted."""
    crawl = begin(sqlite_url, {"SNAPSHOT_RETRY_TIMES": 0})
    crawl.run(300)
    crawl.dead_letters.touch()  # as little room as on a full disk: no folder can be made
    fill_disk(crawl)
    crawl.crawl.finish(40)
    assert crawl.crawl.stats["finish_reason"] == "snapshot_database_broken"
    assert "dead letters cannot be written" in crawl.crawl.log
    kept, gone = len(crawl.acknowledged), len(crawl.refused)
    assert (crawl.stat("accepted"), crawl.stat("failed")) == (kept + gone, gone)
    assert gone > 0
    found = stored(sqlite_url)
    verdict("stopped, counted", "sqlite", lost(crawl.acknowledged, found), doubled(found))


@pytest.mark.slow
@pytest.mark.fault(29)
def test_full_disk(begin: Begin, sqlite_url: str, verdict: Verdict) -> None:
    """Without room the crawl spools and stops; once there is room, everything replays."""
    crawl = begin(sqlite_url)
    crawl.run(300)
    fill_disk(crawl)
    assert_stopped(crawl)
    assert_replayed(crawl, verdict, "stopped, spooled, replayed")


@pytest.mark.fault(30)
def test_no_database_file(begin: Begin, sqlite_url: str, verdict: Verdict) -> None:
    """A file that is no database ends the crawl at its start, and is not touched."""
    content = b"no database at all\n" * 1000
    file_of(sqlite_url).write_bytes(content)
    crawl = begin(sqlite_url, {"SNAPSHOT_OPEN_TIMEOUT": 2})
    assert crawl.crawl.finish() == REFUSED
    assert "downloader/request_count" not in crawl.crawl.stats
    assert file_of(sqlite_url).read_bytes() == content
    verdict("refused at start, file untouched", "sqlite")


@pytest.mark.slow
@pytest.mark.fault(30)
def test_corrupted_mid_crawl(begin: Begin, sqlite_url: str, verdict: Verdict) -> None:
    """Once its pages are overwritten the crawl stops at once, and spools what it has."""
    crawl = begin(sqlite_url)
    crawl.run(2000)
    file = file_of(sqlite_url)
    for path in (file, file.with_name("snapshots.db-wal")):
        with path.open("r+b") as damaged:
            size = path.stat().st_size
            damaged.write(b"\xa5" * size)
    assert_stopped(crawl)
    verdict("stopped, spooled", "sqlite")


@pytest.mark.fault(31)
@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_file_gone(begin: Begin, sqlite_url: str, verdict: Verdict, how: str) -> None:
    """The crawl stops, where SQLite would go on writing to a file that has no name any more."""
    crawl = begin(sqlite_url)
    crawl.run()
    file = file_of(sqlite_url)
    kept = file.rename(file.with_name("kept.db"))
    for suffix in ("-wal", "-shm"):
        beside = file.with_name(file.name + suffix)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + suffix))
    if how == "replaced":
        sqlite3.connect(file).close()
    assert_stopped(crawl)
    url = f"sqlite:///{kept}"
    found = stored(url)
    verdict(f"{how}: stopped, spooled", "sqlite", lost(crawl.acknowledged, found), doubled(found))
