"""Dead letters as a crawl leaves them, and the commands that read them."""

from __future__ import annotations

import datetime as dt
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.dead_letters.file import DeadLetterFile
from scrapy_snapshot_pipeline.dead_letters.format import DeadLetter, encode
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import Cause
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.crawl.crawls import snapshots
from tests.faults.shop.items import Ticker, ticker

RUN = uuid.UUID("00000000-0000-4000-8000-000000000001")
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
LOST = Cause("psycopg2.OperationalError")
LINES = 3


class Letters:
    """A project with a folder of dead letters and a database."""

    def __init__(self, folder: Path, url: str) -> None:
        """`folder` is an empty folder."""
        self.url = url
        self.folder = folder / "letters"
        self._file = DeadLetterFile(self.folder, RUN, 1024 * 1024)
        self.path = self._file.path

    def add(self, number: int, reason: str = "exhausted", cause: Cause = LOST) -> None:
        """Add the letter of a ticker that was seen `number` seconds after START."""
        self._file.append([_line(number, reason, cause)])

    def fill(self) -> None:
        """Add the letters 0, 1 and 2."""
        for number in range(LINES):
            self.add(number)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `scrapy snapshots` with these arguments."""
        settings = {
            "SPIDER_MODULES": "tests.faults.shop.spiders",
            "SNAPSHOT_DATABASE_URL": self.url,
            "SNAPSHOT_DEAD_LETTER_DIR": self.folder,
        }
        return snapshots(self.folder.parent, settings, *arguments)

    def create_tables(self) -> None:
        """Create the tables, as an earlier crawl would have done."""
        store = SnapshotStore(connect_engine(self.url, connect_timeout=10))
        store.declare([_declaration()])
        store.close()


def _declaration() -> Declaration:
    declaration = Declarations().of(Ticker)
    assert declaration is not None
    return declaration


def _line(number: int, reason: str, cause: Cause) -> bytes:
    capture = compile_capture(_declaration())
    record = capture(ticker(f"a{number}", number), START + dt.timedelta(seconds=number), RUN)
    letter = DeadLetter(record, "looks", START, "", 2, True, "OutageError", "", cause)
    return encode(replace(letter, reason=reason), _declaration())
