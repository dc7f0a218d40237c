"""`tox -e mutation -- MODULE…`: change the code in small ways, and see that a test notices each.

Exit code 0 says that exactly those mutants live that `survivors` explains.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutation.mutants import Mutants, is_below
from tests.mutation.survivors import EXPLAINED, complaints

TESTS = {
    "scd2": "tests/unit/scd2",
    "capture": "tests/unit/capture",
    "delivery.bisect": "tests/unit/delivery",
    "delivery.queue": "tests/unit/delivery",
    "delivery.retry": "tests/unit/delivery",
}
"""What can be mutated, and the tests that are to notice it."""


def main() -> int:
    """0 when all that live are explained, and all that are explained live."""
    options = _options()
    modules = options.modules or list(TESTS)
    tests = {TESTS[covered] for module in modules for covered in _covering(module)}
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        mutants = Mutants(Path(folder), modules, tests)
        try:
            mutants.try_all(options.processes)
        except subprocess.CalledProcessError as error:
            sys.exit(f"{error.output or ''}\n{error}")
        living = list(mutants.living())
        print(f"{mutants.count()} mutants, of which {len(living)} live", flush=True)
    explained = [one for each in EXPLAINED.values() for one in each]
    wrong = complaints(living, [one for one in explained if is_below(one.function, modules)])
    print("\n".join(wrong))
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    names = ", ".join(TESTS)
    parser.add_argument("modules", nargs="*", type=_module, metavar="MODULE", help=f"of {names}")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="at once")
    return parser.parse_args()


def _module(name: str) -> str:
    if not _covering(name):
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(TESTS)}, nor below one")
    return name


def _covering(module: str) -> list[str]:
    return [covered for covered in TESTS if is_below(module, [covered])]


if __name__ == "__main__":
    sys.exit(main())
