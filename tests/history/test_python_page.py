"""The code of docs/python.md, on the example's real odds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.history import odds

PAGE = Path(__file__).resolve().parents[2] / "docs/python.md"


def test_code_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One block after the other, as in a notebook; every one that prints finds something."""
    odds.store_odds(f"sqlite:///{tmp_path / 'snapshots.db'}")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)  # noqa: S102 - our own page
        assert bool(capsys.readouterr().out) == ("print(" in block), block

    assert dict(names["state"].key) == names["KEY"]
    assert names["gone"]
    assert names["different"]
    assert names["new"] == []  # the second visit offered no match for the first time
