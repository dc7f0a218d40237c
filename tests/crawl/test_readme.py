"""The five minutes of the README, as somebody who pastes them."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crawl.crawls import PATIENCE, ROOT

SECTION = (ROOT / "README.md").read_text("utf-8").split("## Five minutes")[1].split("\n## ")[0]
FILES = re.findall(r"```python\n# (\S+)\n(.*?)```", SECTION, re.DOTALL)
COMMANDS = re.findall(r"^\$ (scrapy .*)$", SECTION, re.MULTILINE)
PRINTED = re.findall(r"^\.\.\. INFO: (.*), \.\.\.$", SECTION, re.MULTILINE)
QUESTIONS = re.findall(r"```sql\n(.*?)```", SECTION, re.DOTALL)


def run_scrapy(folder: Path, line: str) -> str:
    """What a command prints, which must not fail."""
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(line)],
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, (line, done.stdout)
    return done.stdout


@pytest.mark.crawl
def test_the_five_minutes_work_as_printed(tmp_path: Path) -> None:
    """A project, two crawls with the closing lines that stand there, and all questions."""
    start, first, second, *questions = COMMANDS
    run_scrapy(tmp_path, start)
    project = tmp_path / "match"
    for name, text in FILES:
        file = project / name
        before = file.read_text("utf-8") if name.endswith("settings.py") else ""
        file.write_text(before + text, "utf-8")
    for line, closing in zip((first, second), PRINTED, strict=True):
        assert closing in run_scrapy(project, line)
    assert len(questions) == 3
    for question in questions:
        assert "1.9" in run_scrapy(project, question)
    with sqlite3.connect(project / "snapshots.db") as connection:
        for statement in filter(str.strip, "".join(QUESTIONS).split(";")):
            assert connection.execute(statement).fetchall(), statement
    connection.close()
