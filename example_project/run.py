"""The main job in one command: `python3 example_project/run.py`.

It needs Python 3.10 or later and pip, and nothing else.  If the package is not installed yet, it is
installed into the virtual environment `.venv` at the top of the repository, which the next run uses
again.  The crawls themselves are in the package `tour`, which runs inside that environment.
"""

# Python 3.6 must be able to parse this file, so that it can say that it is too old.  Hence there is
# no `from __future__ import annotations` here, and nothing newer than f-strings.
import argparse
import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036
    sys.exit(
        f"This needs Python 3.10 or later, and {sys.executable} is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}. Run it with a newer one, for example: "
        f"python3.12 {sys.argv[0]}"
    )

EXAMPLE = Path(__file__).resolve().parent
REPOSITORY = EXAMPLE.parent
ENVIRONMENT = REPOSITORY / ".venv"
ENVIRONMENT_PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main() -> int:
    """Find or create an environment that has the package, and run the tour in it."""
    options = _options()
    python = _python_with_the_package(_needed_modules(options.url))
    environment = dict(
        os.environ, SNAPSHOT_DATABASE_URL=options.url, TOUR_STARTED_IN=str(Path.cwd())
    )
    try:
        return subprocess.call([python, "-m", "tour"], cwd=str(EXAMPLE), env=environment)
    except KeyboardInterrupt:
        return 130


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Crawl six bookmakers, and see odds move.")
    parser.add_argument(
        "--url",
        default=os.environ.get("SNAPSHOT_DATABASE_URL", ""),
        help="SQLAlchemy URL of the database, say postgresql+psycopg2://user:password@host/name "
        "(default: $SNAPSHOT_DATABASE_URL, else a new SQLite file)",
    )
    return parser.parse_args()


def _needed_modules(url: str) -> list[str]:
    """The modules that a tour into this database must be able to import."""
    modules = ["scrapy_snapshot_pipeline", "scrapy", "jinja2"]
    return [*modules, "psycopg2"] if url.startswith("postgres") else modules


def _python_with_the_package(modules: list[str]) -> str:
    if all(importlib.util.find_spec(module) for module in modules):
        return sys.executable
    if not _can_import(modules):
        _install("[postgresql,report]" if "psycopg2" in modules else "[report]")
    return str(ENVIRONMENT_PYTHON)


def _can_import(modules: list[str]) -> bool:
    if not ENVIRONMENT_PYTHON.exists():
        return False
    command = [str(ENVIRONMENT_PYTHON), "-c", "import " + ", ".join(modules)]
    return subprocess.call(command, cwd=str(EXAMPLE), stderr=subprocess.DEVNULL) == 0


def _install(extra: str) -> None:
    """Create the environment, or repair one whose creation was interrupted."""
    print(f"Installing scrapy-snapshot-pipeline{extra} into {ENVIRONMENT} (once) ...", flush=True)
    # Debian has ensurepip in a package of its own; without it we use the pip outside.
    own_pip = importlib.util.find_spec("ensurepip") is not None
    venv.create(str(ENVIRONMENT), with_pip=own_pip, symlinks=os.name != "nt")
    command = [*_pip(own_pip=own_pip), "install", "-qq", "--disable-pip-version-check"]
    if subprocess.call([*command, "--editable", f"{REPOSITORY}{extra}"]) != 0:
        sys.exit(f"pip could not install it; see above. To start afresh, remove {ENVIRONMENT}.")


def _pip(*, own_pip: bool) -> list[str]:
    if own_pip:
        return [str(ENVIRONMENT_PYTHON), "-m", "pip"]
    if importlib.util.find_spec("pip") is None:
        sys.exit("This Python has neither ensurepip nor pip: install pip, then run this again.")
    return [sys.executable, "-m", "pip", "--python", str(ENVIRONMENT_PYTHON)]


if __name__ == "__main__":
    sys.exit(main())
