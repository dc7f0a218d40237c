"""What is a run, and what a resumed one knows of its first half."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.history import SnapshotHistory
from tests.crawl.conftest import StartCrawl
from tests.crawl.crawls import environment, snapshots
from tests.crawl.database import column, scalar

pytestmark = pytest.mark.crawl

PAGE = Path(__file__).as_uri()
"""Some page; these commands take no `data:` URL."""


def run_command(folder: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Scrapy's in a project that has the pipeline on."""
    return subprocess.run(
        [sys.executable, "-m", "scrapy", *arguments, f"-sSNAPSHOT_DATABASE_URL={url}"],
        check=False,
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("shell", PAGE, "-c", "response.status"),
        ("check", "many"),
        ("parse", "--spider=many", PAGE),
        ("fetch", "--spider=many", PAGE),
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_hands_us_no_item_is_no_run(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """No row, and not even a database."""
    done = run_command(tmp_path, f"sqlite:///{tmp_path}/no.db", *arguments)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "no.db").exists()


def test_parse_with_pipelines_is_a_run_of_its_own_kind(tmp_path: Path) -> None:
    """Its items are stored; it is no crawl after which all else is not seen."""
    url = f"sqlite:///{tmp_path}/parsed.db"
    done = run_command(tmp_path, url, "parse", "--spider=many", "--pipelines", PAGE)
    assert done.returncode == 0, done.stderr
    assert scalar(url, "SELECT count(*) FROM product") == 100
    assert column(url, "SELECT kind FROM snapshot_runs") == ["parse"]


def test_a_resumed_crawl_saw_what_its_first_half_saw(
    start: StartCrawl, sqlite_url: str, tmp_path: Path, mode: str
) -> None:
    """Nothing is "not seen" after it."""
    settings = {"JOBDIR": str(tmp_path / "job")}
    first = start("chain", sqlite_url, settings, mode=mode, end=6)
    first.finish()
    second = start("chain", sqlite_url, settings, mode=mode)
    second.finish()
    rows = column(sqlite_url, "SELECT finish_reason FROM snapshot_runs ORDER BY started_at")
    assert rows == ["enough", "finished"], second.log
    assert scalar(sqlite_url, "SELECT count(*) FROM snapshot_runs WHERE resumes IS NOT NULL") == 1
    stored = scalar(sqlite_url, "SELECT count(*) FROM product")
    assert stored == 30
    found = snapshots(tmp_path, {"SNAPSHOT_DATABASE_URL": sqlite_url}, "runs", "--json")
    assert found.returncode == 0, found.stderr
    assert not_seen(sqlite_url) == []


def not_seen(url: str) -> list[object]:
    """What the last complete look did not find."""
    with SnapshotHistory(url) as history:
        return list(history.not_seen("product"))
