"""The argument that names files of dead letters."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from scrapy_snapshot_pipeline.dead_letters.file import list_files


def add_files_argument(parser: argparse.ArgumentParser) -> None:
    """Add the files of dead letters that the command is about."""
    parser.add_argument("files", nargs="*", type=Path, help="all files, if none is named")


def chosen_files(options: argparse.Namespace, folder: Path) -> Sequence[Path]:
    """The files that were named, or else all files in the folder."""
    named: Sequence[Path] = options.files
    return named or list_files(folder)
