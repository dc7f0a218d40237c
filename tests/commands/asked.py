"""Asks a command in the test's own process."""

from __future__ import annotations

import argparse

from scrapy.settings import Settings
from scrapy.utils.misc import load_object

from scrapy_snapshot_pipeline.commands import SUBCOMMANDS

NO_PYARROW = "an extra of 50 MB; tox envs `min` and `data` have it"
"""Why a test of Parquet is skipped."""


def asked(url: str, name: str, *arguments: str) -> int:
    """The exit code; usage errors and SnapshotErrors are raised."""
    command = load_object(SUBCOMMANDS[name])()
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    options = parser.parse_args(arguments)
    code: int = command.run(Settings({"SNAPSHOT_DATABASE_URL": url}), options)
    return code
