"""The whole check on a bare machine: `python3 tests/run.py`, with Python 3.10 or later and pip.

Makes the virtual environment `.venv-test` beside the project, and again when pyproject.toml has
changed.  Arguments go to pytest: `python3 tests/run.py -k queue`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv-test"
SCRIPTS = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
STAMP = ENVIRONMENT / "made-from"
QUIET_PIP = ("install", "--quiet", "--disable-pip-version-check")

CHECKS = (
    ("lint", ("ruff", "check")),
    ("format", ("ruff", "format", "--check")),
    ("types", ("mypy",)),
    ("imports", ("lint-imports",)),
)
# Two processes: the crawls wait more than they work.
SUITE = ("pytest", "-n", "2")


def main() -> int:
    """Run everything, whatever fails; 0 when all passed."""
    if sys.version_info < (3, 10):  # noqa: UP036 - a bare machine may have an older one
        sys.exit("scrapy-snapshot-pipeline needs Python 3.10 or later")
    _prepare_environment()
    failed = [name for name, command in CHECKS if not _passes(name, command)]
    verdict = f"FAILED: {', '.join(failed)}" if failed else "all passed"
    print(f"== {', '.join(name for name, _ in CHECKS)}: {verdict}", flush=True)
    suite_passed = _passes("tests", (*SUITE, *sys.argv[1:]))
    if failed:
        print(f"== FAILED before the tests: {', '.join(failed)}", flush=True)
    return 0 if suite_passed and not failed else 1


def _prepare_environment() -> None:
    wanted = _fingerprint()
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted:
        return
    print(f"== making {ENVIRONMENT.name} (about a minute)", flush=True)
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    _make_environment()
    _run(str(SCRIPTS / "python"), "-m", "pip", *QUIET_PIP, "--editable", ".[dev]")
    STAMP.write_text(wanted, encoding="utf-8")


def _fingerprint() -> str:
    project = (ROOT / "pyproject.toml").read_bytes()
    return f"{sys.version} {hashlib.sha256(project).hexdigest()}"


def _make_environment() -> None:
    """Make a virtual environment with pip, also where Debian has left `ensurepip` out."""
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(ENVIRONMENT)], check=False, stdout=subprocess.DEVNULL
    )
    if made.returncode == 0:
        return
    _run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(ENVIRONMENT))
    packages = sysconfig.get_path("purelib", "venv", {"base": str(ENVIRONMENT)})
    _run(sys.executable, "-m", "pip", *QUIET_PIP, "--target", packages, "pip")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT, stdin=subprocess.DEVNULL)


def _passes(name: str, command: tuple[str, ...]) -> bool:
    print(f"== {name}: {' '.join(command)}", flush=True)
    started = time.monotonic()
    done = subprocess.run(
        [str(SCRIPTS / command[0]), *command[1:]],
        check=False,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
    )
    if name != "tests":  # pytest states its time itself, in the last line
        print(f"   {time.monotonic() - started:.1f} s", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
