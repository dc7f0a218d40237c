"""Files of dead letters: private, bounded, and whole lines only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.dead_letters.file import (
    DeadLetterFile,
    DoneFile,
    check_folder,
    is_torn,
    list_files,
    read_lines,
)
from scrapy_snapshot_pipeline.errors import DeadLetterError, SettingsError
from tests.unit.dead_letters.letters import MIB, line
from tests.unit.fakes import RUN_ID


def open_file(folder: Path, max_bytes: int = MIB) -> DeadLetterFile:
    """Make the file of a run, in a folder that does not exist yet."""
    return DeadLetterFile(folder / "letters", RUN_ID, max_bytes)


def test_a_file_is_private_and_named_by_the_run(tmp_path: Path) -> None:
    """Nobody else may read what was scraped, whatever the umask is."""
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
    """Nor is there a folder."""
    open_file(tmp_path).close()
    assert list(tmp_path.iterdir()) == []
    assert list_files(tmp_path / "letters") == []


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    """Others could put a link or a line there."""
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters").chmod(0o777)
    with pytest.raises(DeadLetterError, match="chmod 700"):
        open_file(tmp_path).append([line()])


def test_a_folder_that_can_be_created_is_fine_and_is_not_created(tmp_path: Path) -> None:
    """Most crawls never have a dead letter."""
    check_folder(tmp_path / "data" / "letters")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o770, 0o707], ids=["group", "world"])
def test_a_folder_that_others_may_write_is_refused_at_start(tmp_path: Path, mode: int) -> None:
    """The error names the setting and the cure."""
    tmp_path.chmod(mode)
    with pytest.raises(SettingsError, match=r"SNAPSHOT_DEAD_LETTER_DIR: .* chmod 700"):
        check_folder(tmp_path)


def test_a_folder_of_somebody_else_is_refused_at_start(tmp_path: Path) -> None:
    """Its owner could let others in later."""
    folder = tmp_path if os.getuid() == 0 else Path("/usr")
    if os.getuid() == 0:
        os.chown(folder, 12345, -1)
    with pytest.raises(SettingsError, match="SNAPSHOT_DEAD_LETTER_DIR"):
        check_folder(folder)


@pytest.mark.parametrize("name", ["file", "file/letters", "link", "link/letters"])
def test_a_folder_that_cannot_be_created_is_refused_at_start(tmp_path: Path, name: str) -> None:
    """A file is in the way, or a link to nowhere."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="is no folder; set SNAPSHOT_DEAD_LETTER_DIR"):
        check_folder(tmp_path / name)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("name", ["", "letters"], ids=["itself", "its parent"])
def test_a_folder_that_may_not_be_written_is_refused_at_start(tmp_path: Path, name: str) -> None:
    """Better then than when there is a letter to write."""
    tmp_path.chmod(0o500)
    with pytest.raises(SettingsError, match="may not be written to by this user"):
        check_folder(tmp_path / name)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """The file of a run is a new file or one of ours."""
    file = open_file(tmp_path)
    file.path.parent.mkdir(mode=0o700)
    file.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeadLetterError, match="cannot be written"):
        file.append([line()])


def test_a_file_is_bounded(tmp_path: Path) -> None:
    """Lines that would exceed the limit are refused together; the error names the setting."""
    file = open_file(tmp_path, max_bytes=2 * len(line()))
    file.append([line(1)])
    with pytest.raises(DeadLetterError, match="SNAPSHOT_DEAD_LETTER_MAX_BYTES"):
        file.append([line(2), line(3)])
    file.append([line(4)])
    assert list(read_lines(file.path)) == [line(1), line(4)]


def test_a_torn_last_line_is_skipped_and_harms_no_later_one(tmp_path: Path) -> None:
    """A crash may cut off the last line; the next writer begins a new one."""
    file = open_file(tmp_path)
    file.append([line(1), line(2)])
    file.close()
    os.truncate(file.path, len(line()) + 20)
    assert is_torn(file.path)
    assert list(read_lines(file.path)) == [line(1)]
    open_file(tmp_path).append([line(3)])
    assert list(read_lines(file.path))[-1] == line(3)


def test_what_is_done_is_known_by_the_checksum_of_its_line(tmp_path: Path) -> None:
    """A torn line at the end is skipped."""
    done = DoneFile(tmp_path / "run.jsonl")
    assert done.read() == {}
    os.chmod(tmp_path, 0o700)  # noqa: PTH101
    done.append([("a" * 64, "inserted")])
    with done.path.open("a") as opened:
        opened.write("b" * 10)
    assert done.read() == {"a" * 64: "inserted"}
