"""What a crawl remembers in its JOBDIR."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.crawl.jobdir import Job

RUN = uuid.UUID(int=7)


def test_without_a_folder_nothing_is_remembered() -> None:
    """Most crawls have no JOBDIR."""
    job = Job(None)
    job.record(RUN, finished=False)
    assert job.resumed_run() is None


def test_a_stopped_run_is_resumed(tmp_path: Path) -> None:
    """Also where the folder is made by us."""
    Job(str(tmp_path / "new")).record(RUN, finished=False)
    assert Job(str(tmp_path / "new")).resumed_run() == RUN


def test_a_finished_run_is_not_resumed(tmp_path: Path) -> None:
    """The next one is a crawl of its own."""
    job = Job(str(tmp_path))
    job.record(RUN, finished=False)
    job.record(RUN, finished=True)
    assert job.resumed_run() is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"run_id": 3, "finished": false}', "null", "\x00"]
)
def test_a_damaged_file_names_no_run(tmp_path: Path, text: str) -> None:
    """The crawl goes on without."""
    job = Job(str(tmp_path))
    job.record(RUN, finished=False)
    next(tmp_path.glob("*.json")).write_text(text, encoding="utf-8")
    assert job.resumed_run() is None


def test_a_folder_that_cannot_be_written_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no reason to stop a crawl."""
    (tmp_path / "file").touch()
    Job(str(tmp_path / "file")).record(RUN, finished=False)
    assert "JOBDIR cannot be written" in caplog.text
