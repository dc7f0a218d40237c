"""The job of a crawl: the folder in which Scrapy keeps what a stopped crawl needs to go on."""

from __future__ import annotations

import json
import logging
import uuid
from pathlib import Path

logger = logging.getLogger(__name__)

_FILE = "snapshot-run.json"


class Job:
    """Remembers in JOBDIR which run was last, so that a resumed one knows its first half.

    Without a JOBDIR nothing is read or written.  A file that cannot be read names no run: the
    crawl must not fail for want of it.
    """

    def __init__(self, folder: str | None) -> None:
        self._file = Path(folder, _FILE) if folder else None

    def resumed_run(self) -> uuid.UUID | None:
        """The run that the present one goes on with; None where the last one came to its end."""
        if self._file is None:
            return None
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
            return None if known["finished"] else uuid.UUID(known["run_id"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def record(self, run_id: uuid.UUID, *, finished: bool) -> None:
        """Remember the present run; log where that is not possible."""
        if self._file is None:
            return
        text = json.dumps({"run_id": str(run_id), "finished": finished})
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._file.with_suffix(".tmp")
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self._file)
        except OSError as error:
            logger.warning(
                "JOBDIR cannot be written (%s): a crawl that resumes this one will not know what "
                "it saw",
                error.strerror or type(error).__name__,
            )
