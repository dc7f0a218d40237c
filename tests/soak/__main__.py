"""`tox -e soak -- --seeds N`: random histories with random faults, against the model."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import Engine

from tests.postgresql import start_private_server
from tests.soak.histories import Step, history_of
from tests.soak.run import failure, shrunk
from tests.soak.troubles import Database, FileDatabase, ServerDatabase, opened
from tests.soak.writers import NaiveWriter, StoreWriter, Writer

CONTROLS = 10
"""Seeds for the naive writer, which must fail at least one of them."""


def main() -> int:
    """0 when every seed is clean and the naive writer failed."""
    options = _options()
    seeds = range(options.first, options.first + options.seeds)
    failed = 0
    with _databases() as databases:
        for name, database in databases.items():
            started = time.monotonic()
            bad = [seed for seed in seeds if not _is_clean(seed, name, database)]
            troubles = database.troubles
            caught = _caught_naive(database, seeds)
            failed += len(bad) + (not caught) + (not troubles)
            print(
                f"{name}: {len(seeds)} seeds, {troubles} troubled COMMITs, "
                f"{len(bad)} failed {bad or ''}; the naive writer "
                f"{'failed, as it must' if caught else 'WAS NOT CAUGHT'}; "
                f"{time.monotonic() - started:.0f} s",
                flush=True,
            )
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds (default: 20)")
    parser.add_argument("--first", type=int, default=0, help="the first seed, to repeat one")
    return parser.parse_args()


@contextmanager
def _databases() -> Iterator[dict[str, Database]]:
    server = start_private_server()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            opened(FileDatabase(Path(folder) / "soak.db")) as file,
            opened(ServerDatabase(server.url)) as near,
            opened(ServerDatabase(server.url, far=True)) as far,
        ):
            yield {"sqlite": file, "postgresql": near, "far postgresql": far}
    finally:
        server.remove()


def _is_clean(seed: int, name: str, database: Database) -> bool:
    wrong = failure(history_of(seed), database, StoreWriter)
    if wrong is None:
        return True
    print(f"{name}, seed {seed}: {wrong}; the shortest that fails:")
    for step in shrunk(history_of(seed), _fails_with(database, StoreWriter)):
        print(f"    {step}")
    return False


def _caught_naive(database: Database, seeds: range) -> bool:
    fails = _fails_with(database, NaiveWriter)
    return any(fails(history_of(seed)) for seed in seeds[:CONTROLS])


def _fails_with(
    database: Database, writer_on: Callable[[Engine], Writer]
) -> Callable[[list[Step]], bool]:
    return lambda steps: failure(steps, database, writer_on) is not None


if __name__ == "__main__":
    sys.exit(main())
