"""The commands, as a user types them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest
from scrapy.utils.misc import load_object

from scrapy_snapshot_pipeline.commands import SUBCOMMANDS
from tests.commands.in_process import run_command

EXAMPLE = Path(__file__).resolve().parents[2] / "example_project"
HEAVY = {
    "rich",
    "sqlalchemy",
    "pyarrow",
    "scrapy_snapshot_pipeline.declaration.registry",
    "scrapy_snapshot_pipeline.history",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example project."""
    ignored = shutil.ignore_patterns("runs", ".scrapy", "__pycache__", "odds.db*")
    target = tmp_path_factory.mktemp("commands") / "example_project"
    return shutil.copytree(EXAMPLE, target, ignore=ignored)


def typed(line: str, project: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Run a line as a shell would."""
    return subprocess.run(
        [sys.executable, "-m", *shlex.split(line)],
        cwd=project,
        env={**os.environ, "SNAPSHOT_DATABASE_URL": url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


STANDS_FOR = {
    "--table TABLE": "--table competitor_odds_snapshot",
    "--key FIELD=VALUE": "--key match=arsenal-chelsea --key bookmaker=bwin",
    "FIELD": "markets.price_home",
    "--spider NAME": "--spider competitor_odds",
    "FILE.csv": "odds.csv",
    "--days 30": "--days 30 --until 2024-05-10T00:00Z",
}
"""What a user puts in the place of the capitals of an example."""


def filled_in(name: str) -> str:
    """The example of a subcommand, for the example's odds."""
    line: str = load_object(SUBCOMMANDS[name]).example
    for capitals, meant in STANDS_FOR.items():
        line = line.replace(capitals, meant)
    assert not set(re.findall(r"[A-Z]{4,}", line))
    return line


@pytest.mark.parametrize("name", [name for name in SUBCOMMANDS if ".queries." in SUBCOMMANDS[name]])
def test_example_of_a_question_is_answered(
    name: str,
    odds_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It finds something."""
    monkeypatch.chdir(tmp_path)
    assert run_command(odds_url, *shlex.split(filled_in(name))[2:]) == 0
    shown = capsys.readouterr()
    assert "nothing found" not in shown.err
    assert shown.out or (tmp_path / "odds.csv").stat().st_size


@pytest.mark.crawl
@pytest.mark.parametrize(
    "name", [name for name in SUBCOMMANDS if ".maintenance." in SUBCOMMANDS[name]]
)
def test_example_of_the_help_text_runs(
    name: str, odds_url: str, project: Path, tmp_path: Path
) -> None:
    """It does something, and `--help` shows it."""
    own = shutil.copy(odds_url.removeprefix("sqlite:///"), tmp_path)

    done = typed(filled_in(name), project, f"sqlite:///{own}")
    assert done.returncode == 0, done.stderr
    assert done.stdout
    shown = typed(f"scrapy snapshots {name} --help", project, odds_url).stdout
    assert load_object(SUBCOMMANDS[name]).example in " ".join(shown.split())


@pytest.mark.crawl
@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("show --key match=x --key bookmaker=y", 1, "has no entity with key x, y"),
        ("show --key nothing=x", 1, "nothing is not a key field"),
        ("changes --since soon", 2, "'soon' is neither a time nor a run"),
        ("changes --unknown", 2, "--unknown"),
    ],
)
def test_error_is_one_text_and_an_exit_code(
    line: str, code: int, text: str, odds_url: str, project: Path
) -> None:
    """The code is 1 for what cannot be answered, 2 for wrong usage; there is no traceback."""
    done = typed(f"scrapy snapshots {line}", project, odds_url)

    assert done.returncode == code
    assert text in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.crawl
def test_reader_that_goes_away_early_is_no_error(odds_url: str, project: Path) -> None:
    """As `head -1` does."""
    line = f"{shlex.quote(sys.executable)} -m scrapy snapshots as-of now --json | head -1"
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=project,
        env={**os.environ, "SNAPSHOT_DATABASE_URL": odds_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("{")


@pytest.mark.crawl
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize(("target", "bar"), [("-", False), ("export.csv", True)])
def test_progress_is_shown_unless_rows_are(
    target: str, *, bar: bool, odds_url: str, project: Path
) -> None:
    """On a terminal the progress of a file is shown; rows that go to the terminal stay whole."""
    line = [sys.executable, "-m", "scrapy", "snapshots", "export", "-o", target, "--format", "csv"]
    ours, theirs = os.openpty()
    with open(ours, "rb", buffering=0) as screen:  # noqa: PTH123 - a descriptor
        done = subprocess.Popen(
            [*line, "--table", "competitor_odds_snapshot", "--force"],
            cwd=project,
            env={**os.environ, "SNAPSHOT_DATABASE_URL": odds_url, "TERM": "xterm"},
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b"".join(_until_hung_up(screen))
    assert done.wait(60) == 0
    assert (b"reading" in shown) == bar
    assert (b"arsenal-chelsea,bwin" in shown) != bar


def _until_hung_up(screen: BinaryIO) -> Iterator[bytes]:
    """Read until nobody writes any more, which Linux reports as an error."""
    with suppress(OSError):
        while chunk := screen.read(65_536):
            yield chunk


def test_other_scrapy_commands_load_nothing_heavy() -> None:
    """Scrapy imports the module whenever it is called."""
    script = (
        "import scrapy.cmdline, sys; before = set(sys.modules);"
        "import scrapy_snapshot_pipeline.commands; print(*(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert not HEAVY & set(done.stdout.split())
