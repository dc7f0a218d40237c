"""`scrapy snapshots normalize`: join versions of equal content, which an older release wrote."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress
from scrapy.settings import BaseSettings

from scrapy_snapshot_pipeline.commands.queries.query_command import open_history
from scrapy_snapshot_pipeline.crawl.project import project_settings
from scrapy_snapshot_pipeline.delivery.retry import RetryPolicy
from scrapy_snapshot_pipeline.history.values import normal_json_text
from scrapy_snapshot_pipeline.safe_text import printable
from scrapy_snapshot_pipeline.settings import SnapshotSettings
from scrapy_snapshot_pipeline.store.connection.checked_transactions import CheckedTransactions
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.normal_form.normalizer import Normalized, Normalizer


class Normalize:
    """Joins versions, and rows of lists, that touch and have equal content."""

    summary = "join versions of equal content that an older release has written"
    example = "scrapy snapshots normalize --dry-run"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("tables", nargs="*", metavar="TABLE", help="all, if none is named")
        parser.add_argument("--dry-run", action="store_true", help="count, but write nothing")

    def run(self, settings: BaseSettings, options: argparse.Namespace) -> int:
        ours = project_settings(settings)
        with open_history(settings) as history:
            named = [history.table(name) for name in options.tables]
            tables = [table.name for table in named or history.tables()]
        engine = connect_engine(
            ours.database_url,
            connect_timeout=ours.connect_timeout,
            write_timeout=ours.write_timeout,
        )
        try:
            _normalize(tables, _normalizer(CheckedTransactions(engine), ours), options.dry_run)
        finally:
            engine.dispose()
        return 0


def _normalizer(transactions: CheckedTransactions, ours: SnapshotSettings) -> Normalizer:
    return Normalizer(
        transactions=transactions,
        normal_json=normal_json_text,
        policy=RetryPolicy(
            ours.retry_times, ours.retry_backoff, ours.retry_backoff_max, ours.open_timeout
        ),
        sleep=time.sleep,
        now=time.monotonic,
        chance=random.random,
    )


def _normalize(tables: Sequence[str], normalizer: Normalizer, dry_run: bool) -> None:  # noqa: FBT001 - an option
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for table in tables:
            # Counting takes a moment, which a bar that is not shown is not worth.
            total = None if progress.disable else normalizer.count_entities(table)
            bar = progress.add_task(printable(table), total=total)
            done = Normalized()
            for part in normalizer.normalize(table, dry_run=dry_run):
                done += part
                progress.update(bar, completed=done.entities)
            _write_summary(table, done, dry_run)


def _write_summary(table: str, done: Normalized, dry_run: bool) -> None:  # noqa: FBT001 - an option
    joined = "to join" if dry_run else "joined"
    sys.stdout.write(
        f"{printable(table)}: entities looked at {done.entities:,}, versions {joined} "
        f"{done.versions:,}, child rows {joined} {done.children:,}\n"
    )
