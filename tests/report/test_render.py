"""The page as HTML."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.report import render
from tests.report.shop import HOSTILE, hostile_week, report, store


class _Elements(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note each tag, as the parser meets it."""
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def html(tmp_path: Path) -> str:
    """The page of the hostile week."""
    url = f"sqlite:///{(tmp_path / 'hostile.db').as_posix()}"
    store(url, hostile_week(), spider=HOSTILE[0])
    return render(report(url))


def _elements(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Elements()
    parser.feed(html)
    return parser.found


def test_hostile_text_makes_no_element(html: str) -> None:
    """Only our own three scripts, no image, no attribute that runs something."""
    found = _elements(html)

    assert [tag for tag, _ in found].count("script") == 3
    assert not {"img", "svg", "iframe", "object", "base"} & {tag for tag, _ in found}
    assert not [name for _, attributes in found for name in attributes if name.startswith("on")]


def test_every_link_stays_in_the_page(html: str) -> None:
    """No address is fetched or visited."""
    links = [value for _, each in _elements(html) for name, value in each.items() if name == "href"]

    assert links
    assert all(link is not None and link.startswith("#") for link in links)


def test_chart_data_survives_what_is_in_it(html: str) -> None:
    """Read back as JSON it has the texts as they were, with invisible characters escaped."""
    found = re.search(r'<script type="application/json" id="charts">(.*?)</script>', html)

    assert found is not None
    labels = {series["label"] for chart in json.loads(found[1]) for series in chart["series"]}
    assert set(HOSTILE[:5]) <= labels


def test_policy_allows_nothing_by_default(html: str) -> None:
    """Scripts and styles by hash only; nothing inline by permission."""
    [policy] = [
        each["content"]
        for tag, each in _elements(html)
        if tag == "meta" and each.get("http-equiv") == "Content-Security-Policy"
    ]

    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
