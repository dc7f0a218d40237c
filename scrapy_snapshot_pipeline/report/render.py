"""Renders the page as HTML that runs nothing but our own script."""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.report.page import Chart, Page

_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("uplot-1.6.32.min.js", "report.js")
_LICENCES = ("uplot-LICENSE.txt",)
_STYLES = ("uplot-1.6.32.min.css", "report.css")


def render(page: Page) -> str:
    """One self-contained document.  Raises HistoryError without jinja2."""
    scripts, styles = _read(_SCRIPTS), _read(_STYLES)
    charts = list(page.run_charts)
    for entity in page.entities:
        charts += entity.charts
    template = _environment().get_template("page.html.j2")
    html: str = template.render(
        page=page,
        licence=_read(_LICENCES)[0],
        scripts=scripts,
        styles=styles,
        policy=_policy(scripts, styles),
        charts=_data(charts),
    )
    return html


def _environment() -> Any:
    try:
        jinja2 = importlib.import_module("jinja2")
    except ImportError:
        raise HistoryError(
            'the report needs jinja2; pip install "scrapy-snapshot-pipeline[report]"'
        ) from None
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _read(names: tuple[str, ...]) -> list[str]:
    return [(_ASSETS / name).read_text(encoding="utf-8") for name in names]


def _policy(scripts: list[str], styles: list[str]) -> str:
    """Only scripts and styles with these hashes apply; nothing is fetched, sent or framed."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src " + " ".join(_hash(text) for text in scripts),
            "style-src " + " ".join(_hash(text) for text in styles),
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _data(charts: list[Chart]) -> str:
    """JSON that cannot close the script element that it is in."""
    text = json.dumps([asdict(chart) for chart in charts], separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
