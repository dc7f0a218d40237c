"""`scrapy snapshots replay`: store the dead letters, with the ids that they had."""

from __future__ import annotations

import argparse
import datetime as dt
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from scrapy.settings import BaseSettings

from scrapy_snapshot_pipeline.commands.maintenance.files_argument import (
    add_files_argument,
    chosen_files,
)
from scrapy_snapshot_pipeline.commands.maintenance.load_declarations import load_declarations
from scrapy_snapshot_pipeline.crawl.project import project_settings
from scrapy_snapshot_pipeline.dead_letters.file import DeadLetterFile, check_folder, read_lines
from scrapy_snapshot_pipeline.dead_letters.folder import dead_letter_folder
from scrapy_snapshot_pipeline.dead_letters.replay import DAMAGED, UNDECLARED, Replay
from scrapy_snapshot_pipeline.dead_letters.spool import DeadLetterSpool
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.records import Outcome
from scrapy_snapshot_pipeline.safe_text import printable
from scrapy_snapshot_pipeline.settings import SnapshotSettings
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore

_NOT_REPLAYED = (DAMAGED, UNDECLARED, Outcome.DEAD_LETTERED.value)


class ReplayCommand:
    """Writes files of dead letters into the database."""

    summary = "store the dead letters; doing it twice is no harm"
    example = "scrapy snapshots replay"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_files_argument(parser)

    def run(self, settings: BaseSettings, options: argparse.Namespace) -> int:
        """Give 1 where not everything could be stored."""
        ours = project_settings(settings)
        declarations = {each.table: each for each in load_declarations(settings, ours)}
        folder = dead_letter_folder(ours)
        check_folder(folder)
        failed_again = DeadLetterFile(folder, uuid.uuid4(), ours.dead_letter_max_bytes)
        engine = connect_engine(
            ours.database_url,
            connect_timeout=ours.connect_timeout,
            write_timeout=ours.write_timeout,
        )
        evolve = ours.evolution == "additive"
        store = SnapshotStore(engine, create_tables=ours.create_tables, evolve=evolve)
        try:
            store.declare(declarations.values())
            counts = _replay(chosen_files(options, folder), store, declarations, failed_again, ours)
        finally:
            store.close()
            failed_again.close()
        _write_summary(counts, failed_again.path)
        return 1 if any(counts[name] for name in _NOT_REPLAYED) else 0


def _replay(
    files: Sequence[Path],
    store: SnapshotStore,
    declarations: dict[str, Declaration],
    failed_again: DeadLetterFile,
    ours: SnapshotSettings,
) -> Counter[str]:
    lines = sum(1 for file in files for _ in read_lines(file))
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("replaying", total=lines)
        replay = Replay(
            write=store.write,
            declarations=declarations,
            spool=DeadLetterSpool(failed_again, "", declarations, _utc_now),
            policy=RetryPolicy(
                ours.retry_times, ours.retry_backoff, ours.retry_backoff_max, ours.open_timeout
            ),
            batch_size=ours.batch_size,
            sleep=time.sleep,
            now=time.monotonic,
            chance=random.random,
            on_lines_done=lambda count: progress.advance(bar, count),
        )
        for file in files:
            replay.replay_file(file)
    return replay.counts


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _write_summary(counts: Counter[str], failed_again: Path) -> None:
    parts = [f"{name} {count:,}" for name, count in counts.items() if count]
    sys.stdout.write(f"replayed: {', '.join(parts) or 'nothing, all was done before'}\n")
    if counts[Outcome.DEAD_LETTERED.value]:
        sys.stdout.write(f"what failed again is in {printable(str(failed_again))}\n")
    if counts[DAMAGED]:
        sys.stdout.write("damaged lines cannot be replayed: their sha256 does not fit\n")
    if counts[UNDECLARED]:
        sys.stdout.write(
            "undeclared: the project declares no such table, or with another key or other columns; "
            "replay them with the item classes they were scraped with\n"
        )
