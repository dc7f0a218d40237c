"""Runs a command in the test's own process, which is much faster than a new one."""

from __future__ import annotations

import argparse

from scrapy.settings import Settings
from scrapy.utils.misc import load_object

from scrapy_snapshot_pipeline.commands import SUBCOMMANDS

NO_PYARROW = "pyarrow is a large extra; the tox envs `min` and `data` have it"
"""Why a test of Parquet is skipped."""


def run_command(url: str, name: str, *arguments: str, **settings: object) -> int:
    """Run a subcommand and give its exit code; usage errors and SnapshotErrors are raised.

    `settings` are those of the project beside the URL.
    """
    command = load_object(SUBCOMMANDS[name])()
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    options = parser.parse_args(arguments)
    code: int = command.run(Settings({"SNAPSHOT_DATABASE_URL": url, **settings}), options)
    return code
