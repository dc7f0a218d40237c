"""The how-tos, as somebody who pastes them."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.crawl.crawls import ROOT
from tests.crawl.test_readme import run_scrapy

_PARTS = re.compile(
    r"^```python\n# (?P<file>\S+)\n(?P<text>.*?)```"
    r"|^\$ (?P<command>scrapy [^\n]*)(?:\n\.\.\. INFO: (?P<printed>[^\n]*))?",
    re.DOTALL | re.MULTILINE,
)


@pytest.mark.crawl
def test_an_item_class_is_changed(tmp_path: Path) -> None:
    """Each file and command in its order, with the closing lines that stand there."""
    text = (ROOT / "docs/how-to/change-an-item-class.md").read_text("utf-8")
    run_scrapy(tmp_path, "scrapy startproject shop")
    project = tmp_path / "shop"
    said: dict[str, str] = {}
    for part in _PARTS.finditer(text):
        if part["file"]:
            (project / part["file"]).write_text(part["text"], "utf-8")
            continue
        said[part["command"]] = run_scrapy(project, part["command"])
        assert (part["printed"] or "") in said[part["command"]]
    assert "two" not in said["scrapy snapshots changes --since last"]
    assert "left" in said["scrapy snapshots changes --kind extended"]
    assert "left" in said["scrapy snapshots show"]
    assert "seller" not in said["scrapy snapshots show"]
    assert "extended" in said["scrapy snapshots history --key sku=two"]


@pytest.mark.crawl
def test_the_schema_is_shown_before_and_after(tmp_path: Path) -> None:
    """What the next crawl would do, as columns and as statements; it makes no database."""
    text = (ROOT / "docs/how-to/change-an-item-class.md").read_text("utf-8")
    files = [part for part in _PARTS.finditer(text) if part["file"]]
    run_scrapy(tmp_path, "scrapy startproject shop")
    project = tmp_path / "shop"
    for part in files[:2]:
        (project / part["file"]).write_text(part["text"], "utf-8")
    assert "table is created" in run_scrapy(project, "scrapy snapshots schema")
    assert not (project / "snapshots.db").exists()
    run_scrapy(project, "scrapy snapshots init")
    assert "alters nothing" in run_scrapy(project, "scrapy snapshots schema")
    for part in files[2:]:
        (project / part["file"]).write_text(part["text"], "utf-8")
    shown = run_scrapy(project, "scrapy snapshots schema")
    assert "column is added" in shown
    assert "stays in the table, unused" in shown
    statements = run_scrapy(project, "scrapy snapshots schema --sql")
    with closing(sqlite3.connect(project / "snapshots.db")) as connection:
        connection.executescript(statements)
    assert "alters nothing" in run_scrapy(project, "scrapy snapshots schema")


@pytest.mark.crawl
def test_dead_letters_of_the_class_before_are_replayed(tmp_path: Path) -> None:
    """Under the class that they were scraped with, so that nothing looks changed by it."""
    text = (ROOT / "docs/how-to/change-an-item-class.md").read_text("utf-8")
    files = [part for part in _PARTS.finditer(text) if part["file"]]
    run_scrapy(tmp_path, "scrapy startproject shop")
    project = tmp_path / "shop"
    for part in files[:2]:
        (project / part["file"]).write_text(part["text"], "utf-8")
    run_scrapy(project, "scrapy crawl offers")
    spider = project / files[1]["file"]
    spider.write_text(files[1]["text"].replace("9.90", "8.80"), "utf-8")
    _execute(project, _REFUSE)
    assert "dead-lettered 2" in run_scrapy(project, "scrapy crawl offers")
    _execute(project, "DROP TRIGGER refuse")
    for part in files[2:]:
        (project / part["file"]).write_text(part["text"], "utf-8")
    run_scrapy(project, "scrapy crawl offers")
    assert "replayed: revised 2" in run_scrapy(project, "scrapy snapshots replay")
    assert "late" in run_scrapy(project, "scrapy snapshots history --key sku=one")
    shown = run_scrapy(project, "scrapy snapshots show")
    assert "9.90" in shown
    assert "seller" not in shown
    shapes = _execute(project, "SELECT DISTINCT snapshot_shape FROM offer WHERE price = '8.80'")
    assert shapes == [(1,)]


_REFUSE = "CREATE TRIGGER refuse BEFORE INSERT ON offer BEGIN SELECT RAISE(ABORT, 'no'); END"


def _execute(project: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(project / "snapshots.db")) as connection:
        return connection.execute(statement).fetchall()
