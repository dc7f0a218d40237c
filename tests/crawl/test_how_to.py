"""The how-tos, as somebody who pastes them."""

from __future__ import annotations

import re
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
    assert "column is added" in said["scrapy snapshots schema"]
    assert "two" not in said["scrapy snapshots changes --since last"]
    assert "left" in said["scrapy snapshots changes --kind extended"]
    assert "left" in said["scrapy snapshots show"]
    assert "seller" not in said["scrapy snapshots show"]
    assert "extended" in said["scrapy snapshots history --key sku=two"]
