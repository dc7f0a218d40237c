"""`scrapy snapshots dead-letters`: what was not stored, and why."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from scrapy.settings import BaseSettings

from scrapy_snapshot_pipeline.commands.maintenance.files_argument import (
    add_files_argument,
    chosen_files,
)
from scrapy_snapshot_pipeline.crawl.project import project_settings
from scrapy_snapshot_pipeline.dead_letters.file import DoneFile, is_torn, read_lines
from scrapy_snapshot_pipeline.dead_letters.folder import dead_letter_folder
from scrapy_snapshot_pipeline.dead_letters.format import read_fields
from scrapy_snapshot_pipeline.dead_letters.replay import checksum_of
from scrapy_snapshot_pipeline.errors import DeadLetterError
from scrapy_snapshot_pipeline.safe_text import printable


class DeadLetters:
    """Lists the dead letters of each file by reason, with their number and oldest observation."""

    summary = "list the records that were not stored, by reason"
    example = "scrapy snapshots dead-letters"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_files_argument(parser)

    def run(self, settings: BaseSettings, options: argparse.Namespace) -> int:
        folder = dead_letter_folder(project_settings(settings))
        files = chosen_files(options, folder)
        if not files:
            sys.stdout.write(f"no dead letters in {printable(str(folder))}\n")
        for file in files:
            _write_summary(file)
        return 0


def _write_summary(file: Path) -> None:
    done = DoneFile(file).read()
    waiting: Counter[tuple[str, str, str]] = Counter()
    oldest: dict[tuple[str, str, str], str] = {}
    damaged = int(is_torn(file))
    replayed = 0
    for line in read_lines(file):
        if checksum_of(line) in done:
            replayed += 1
            continue
        try:
            fields = read_fields(line)
        except DeadLetterError:
            damaged += 1
            continue
        group = (fields["table"], fields["reason"], fields["exc"] or fields["error"])
        waiting[group] += 1
        oldest[group] = min(oldest.get(group, fields["observed_at"]), fields["observed_at"])
    sys.stdout.write(f"{printable(str(file))}: {waiting.total()} to replay, {replayed} replayed")
    sys.stdout.write(f", {damaged} damaged lines\n" if damaged else "\n")
    for group, count in waiting.most_common():
        table, reason, error = map(printable, group)
        since = printable(oldest[group])
        sys.stdout.write(f"  {count:>8,}  {table}  {reason}  {error}  oldest {since}\n")
