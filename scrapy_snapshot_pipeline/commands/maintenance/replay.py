"""`scrapy snapshots replay`: store the dead letters, with the ids that they had."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
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
from scrapy_snapshot_pipeline.dead_letters.replay import DAMAGED, UNDECLARED, Replay, Way
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
        stores = contextlib.ExitStack()
        try:
            ways = _ways(list(declarations.values()), failed_again, ours, stores)
            counts = _replay(chosen_files(options, folder), ways, ours)
        finally:
            stores.close()
            failed_again.close()
        _write_summary(counts, failed_again.path)
        return 1 if any(counts[name] for name in _NOT_REPLAYED) else 0


def _ways(
    declared: Sequence[Declaration],
    failed_again: DeadLetterFile,
    ours: SnapshotSettings,
    stores: contextlib.ExitStack,
) -> list[Way]:
    """That of today's classes, and one for each older form of one of them."""
    store = _open_store(declared, ours, stores)
    ways = [_way(store, declared, failed_again)]
    for declaration in declared:
        shape = store.tables(declaration.table).shape
        for number, older in sorted(shape.shapes.items(), reverse=True) if shape else ():
            if shape is not None and number != shape.number:
                former = replace(older, label=declaration.label)
                opened = _open_store([former], ours, stores, in_use=False)
                ways.append(_way(opened, [former], failed_again))
    return ways


def _open_store(
    declared: Sequence[Declaration],
    ours: SnapshotSettings,
    stores: contextlib.ExitStack,
    *,
    in_use: bool = True,
) -> SnapshotStore:
    engine = connect_engine(
        ours.database_url, connect_timeout=ours.connect_timeout, write_timeout=ours.write_timeout
    )
    evolve = ours.evolution == "additive"
    store = SnapshotStore(engine, create_tables=ours.create_tables, evolve=evolve)
    stores.callback(store.close)
    store.declare(declared, in_use=in_use)
    return store


def _way(
    store: SnapshotStore, declared: Sequence[Declaration], failed_again: DeadLetterFile
) -> Way:
    by_table = {declaration.table: declaration for declaration in declared}
    return Way(by_table, store.write, DeadLetterSpool(failed_again, "", by_table, _utc_now))


def _replay(files: Sequence[Path], ways: Sequence[Way], ours: SnapshotSettings) -> Counter[str]:
    lines = sum(1 for file in files for _ in read_lines(file))
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("replaying", total=lines)
        replay = Replay(
            ways=ways,
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
