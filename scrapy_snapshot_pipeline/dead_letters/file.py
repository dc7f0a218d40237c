"""The files of dead letters: one a run, private, bounded, append-only, never pickle.

Writing blocks for as long as the disk takes; it may be called on any thread, also in the last
moment of a process.
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
DONE = ".done"
"""Added to the name of a file: what became of its lines in a replay."""

_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _SAFELY
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def check_folder(folder: Path) -> None:
    """Raise SettingsError where no dead letter could be written to `folder`; makes nothing.

    A folder that is not there yet may be; then its parent must take it.
    """
    try:
        nearest = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        _refuse_unwritable(nearest)
        if nearest == folder:
            _refuse_strangers(folder)
    except (OSError, DeadLetterError) as error:
        why = _why(error) if isinstance(error, OSError) else error
        raise SettingsError(
            f"SNAPSHOT_DEAD_LETTER_DIR: {folder} cannot take dead letters: {why}"
        ) from None


class DeadLetterFile:
    """The file of one run; there is none until the first line."""

    def __init__(self, folder: Path, run_id: uuid.UUID, max_bytes: int) -> None:
        """`max_bytes` bounds the file; its name comes from the run's id alone."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._file: int | None = None
        self.path = folder / f"{run_id}{SUFFIX}"

    def append(self, lines: Sequence[bytes]) -> None:
        """Write lines, each whole, and have them on the disk before returning.

        Raises DeadLetterError where the file cannot take all of them; then it has none of them,
        or a torn last one.
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
                "raise it, or see to the database"
            )
        try:
            for line in lines:
                _write(self._file, line)
            os.fsync(self._file)
        except OSError:
            # What was written of them would be counted as a dead letter and as failed.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, size)
            raise


class DoneFile:
    """What became of the lines of a file of dead letters, by their sha256."""

    def __init__(self, letters: Path) -> None:
        self.path = letters.with_name(letters.name + DONE)

    def read(self) -> dict[str, str]:
        """Outcome by sha256; a torn last line is passed over."""
        if not self.path.exists():
            return {}
        words = (line.split() for line in self.path.read_text("ascii", "replace").splitlines())
        return {parts[0]: parts[1] for parts in words if len(parts) == 2 and len(parts[0]) == 64}  # noqa: PLR2004

    def append(self, outcomes: Iterable[tuple[str, str]]) -> None:
        """Note outcomes, on the disk before returning; raises DeadLetterError."""
        try:
            file = _open(self.path.parent, self.path)
            try:
                _write(file, "".join(f"{seal} {outcome}\n" for seal, outcome in outcomes).encode())
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise DeadLetterError(f"{self.path} cannot be written ({_why(error)})") from None


def files_in(folder: Path) -> list[Path]:
    """The files of dead letters, oldest first; empty where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(folder.glob(f"*{SUFFIX}"), key=lambda file: (file.stat().st_mtime, file.name))


def lines_of(file: Path) -> Iterator[bytes]:
    """The whole lines of a file; what a crash tore off at its end is passed over."""
    try:
        with file.open("rb") as opened:
            yield from (line for line in opened if line.endswith(b"\n"))
    except OSError as error:
        raise DeadLetterError(f"{file} cannot be read ({_why(error)})") from None


def is_torn(file: Path) -> bool:
    """Whether the file ends in the middle of a line; raises DeadLetterError."""
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
    _refuse_strangers(folder)
    file = os.open(path, _APPEND, 0o600)
    if hasattr(os, "fchmod"):
        os.fchmod(file, 0o600)
    _end_torn_line(file, path)
    return file


def _refuse_strangers(folder: Path) -> None:
    if not hasattr(os, "getuid"):
        return
    found = folder.stat()
    if found.st_uid != os.getuid() or found.st_mode & _OTHERS_MAY_WRITE:
        raise DeadLetterError(
            f"dead letters are not written to {folder}, which others may write to; "
            "chmod 700 it, or set SNAPSHOT_DEAD_LETTER_DIR to a folder of this user"
        )


def _refuse_unwritable(place: Path) -> None:
    if not place.is_dir():
        problem = "is no folder"
    elif not os.access(place, os.W_OK | os.X_OK):
        problem = "may not be written to by this user"
    else:
        return
    raise DeadLetterError(
        f"{place} {problem}; set SNAPSHOT_DEAD_LETTER_DIR to a folder of this user"
    )


def _end_torn_line(file: int, path: Path) -> None:
    """A line begun by a process that died must not swallow the next one."""
    if os.fstat(file).st_size and is_torn(path):
        _write(file, b"\n")


def _write(file: int, data: bytes) -> None:
    written = os.write(file, data)
    if written != len(data):
        raise OSError("only a part could be written")


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
