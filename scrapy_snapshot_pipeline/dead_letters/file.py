"""The files of dead letters: one for each run, private, bounded and append-only.

Writing blocks for as long as the disk takes.  It may be called on any thread, even while the
process is going down.
"""

from __future__ import annotations

import contextlib
import os
import stat
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from scrapy_snapshot_pipeline.errors import DeadLetterError, SettingsError

SUFFIX = ".jsonl"
DONE_SUFFIX = ".done"
"""Added to the name of a file for the list of what became of its lines in a replay."""

_SAFE_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _SAFE_FLAGS
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def check_folder(folder: Path) -> None:
    """Raise SettingsError if no dead letter could be written to `folder`; creates nothing.

    If the folder does not exist, it must be possible to create it in the nearest one that does.
    """
    try:
        nearest = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        _refuse_unwritable(nearest)
        if nearest == folder:
            _refuse_shared(folder)
    except (OSError, DeadLetterError) as error:
        why = _why(error) if isinstance(error, OSError) else error
        raise SettingsError(
            f"SNAPSHOT_DEAD_LETTER_DIR: {folder} cannot take dead letters: {why}"
        ) from None


class DeadLetterFile:
    """The file of one run; it is created with its first line."""

    def __init__(self, folder: Path, run_id: uuid.UUID, max_bytes: int) -> None:
        """`max_bytes` bounds the file; its name follows from the run's id alone."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._file: int | None = None
        self.path = folder / f"{run_id}{SUFFIX}"

    def append(self, lines: Sequence[bytes]) -> None:
        """Write lines, and return when they are on the disk.

        Raises DeadLetterError if the file cannot take all of them.  Then it has none of them, or a
        torn line at its end.
        """
        try:
            self._append(lines)
        except OSError as error:
            raise DeadLetterError(
                f"dead letters cannot be written to {self.path} ({_why(error)}); "
                "make room there or set SNAPSHOT_DEAD_LETTER_DIR to another folder"
            ) from None

    def close(self) -> None:
        """Close the file; idempotent."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _append(self, lines: Sequence[bytes]) -> None:
        if self._file is None:
            self._file = _open(self._folder, self.path)
        size = os.fstat(self._file).st_size
        if size + sum(map(len, lines)) > self._max_bytes:
            raise DeadLetterError(
                f"{self.path} would exceed SNAPSHOT_DEAD_LETTER_MAX_BYTES, {self._max_bytes:,}; "
                "raise that setting, or see what is wrong with the database"
            )
        try:
            for line in lines:
                _write(self._file, line)
            os.fsync(self._file)
        except OSError:
            # These records are reported as failed, so none of them may stay as a dead letter.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, size)
            raise


class DoneFile:
    """What became of the lines of a file of dead letters in its replays, by their sha256."""

    def __init__(self, letters: Path) -> None:
        self.path = letters.with_name(letters.name + DONE_SUFFIX)

    def read(self) -> dict[str, str]:
        """The outcome of each line by its sha256; a torn line at the end is skipped."""
        if not self.path.exists():
            return {}
        words = (line.split() for line in self.path.read_text("ascii", "replace").splitlines())
        return {parts[0]: parts[1] for parts in words if len(parts) == 2 and len(parts[0]) == 64}  # noqa: PLR2004

    def append(self, outcomes: Iterable[tuple[str, str]]) -> None:
        """Add pairs of sha256 and outcome, and return when they are on the disk.

        Raises DeadLetterError.
        """
        try:
            file = _open(self.path.parent, self.path)
            try:
                lines = (f"{checksum} {outcome}\n" for checksum, outcome in outcomes)
                _write(file, "".join(lines).encode())
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise DeadLetterError(f"{self.path} cannot be written ({_why(error)})") from None


def list_files(folder: Path) -> list[Path]:
    """The files of dead letters in a folder, oldest first; none if there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(folder.glob(f"*{SUFFIX}"), key=lambda file: (file.stat().st_mtime, file.name))


def read_lines(file: Path) -> Iterator[bytes]:
    """The complete lines of a file, without a torn one at its end; raises DeadLetterError."""
    try:
        with file.open("rb") as opened:
            yield from (line for line in opened if line.endswith(b"\n"))
    except OSError as error:
        raise DeadLetterError(f"{file} cannot be read ({_why(error)})") from None


def is_torn(file: Path) -> bool:
    """Whether a crash has cut off the last line of a file; raises DeadLetterError."""
    try:
        with file.open("rb") as opened:
            if not opened.seek(0, os.SEEK_END):
                return False
            opened.seek(-1, os.SEEK_END)
            return opened.read(1) != b"\n"
    except OSError as error:
        raise DeadLetterError(f"{file} cannot be read ({_why(error)})") from None


def _open(folder: Path, path: Path) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_shared(folder)
    file = os.open(path, _APPEND, 0o600)
    if hasattr(os, "fchmod"):
        os.fchmod(file, 0o600)
    _end_torn_line(file, path)
    return file


def _refuse_shared(folder: Path) -> None:
    if not hasattr(os, "getuid"):
        return
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & _OTHERS_MAY_WRITE:
        raise DeadLetterError(
            f"dead letters are not written to {folder}, which others may write to; "
            "chmod 700 it, or set SNAPSHOT_DEAD_LETTER_DIR to a folder of this user"
        )


def _refuse_unwritable(path: Path) -> None:
    if not path.is_dir():
        problem = "is no folder"
    elif not os.access(path, os.W_OK | os.X_OK):
        problem = "may not be written to by this user"
    else:
        return
    raise DeadLetterError(
        f"{path} {problem}; set SNAPSHOT_DEAD_LETTER_DIR to a folder of this user"
    )


def _end_torn_line(file: int, path: Path) -> None:
    # A process may have died in the middle of a line, which must not swallow the next one.
    if os.fstat(file).st_size and is_torn(path):
        _write(file, b"\n")


def _write(file: int, data: bytes) -> None:
    written = os.write(file, data)
    if written != len(data):
        raise OSError("only a part of the line could be written")


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
