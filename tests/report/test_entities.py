"""The page of one entity."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.report.page import EntityPage, Page
from tests.report.shop import report, store, week


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the week."""
    store(database_url, week())
    return database_url


def _entity(page: Page, key: str) -> EntityPage:
    return next(entity for entity in page.entities if entity.key == key)


def test_entity_has_a_chart_a_number_and_its_versions(url: str) -> None:
    """Declared numbers, those of the rows overlaid, those in JSON; newest version first."""
    lamp = _entity(report(url), "lamp")

    assert [chart.title for chart in lamp.charts] == ["price", "offers.amount", "extra.stock"]
    steps = {(c.title, s.label): len(s.steps) for c in lamp.charts for s in c.series}
    assert steps == {
        ("price", "price"): 3,
        ("offers.amount", "north"): 3,
        ("offers.amount", "south"): 1,
        ("extra.stock", "extra.stock"): 3,
    }
    assert [version.kind for version in lamp.versions] == ["changed", "changed", "new"]


def test_three_times_are_kept_apart(url: str) -> None:
    """When it changed, when it was seen last, and when the run began that saw it first."""
    version = _entity(report(url), "lamp").versions[1]

    assert version.changed_at == "2026-03-05 00:00:00"
    assert version.last_confirmed_at == "2026-03-06 00:00:00"
    assert version.valid_to == "2026-03-07 00:00:00"
    assert version.run_at == "2026-03-05 00:00:00"


def test_only_the_newest_versions_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the page says so."""
    monkeypatch.setattr("scrapy_snapshot_pipeline.report.entities.VERSIONS", 2)
    url = f"sqlite:///{(tmp_path / 'week.db').as_posix()}"
    store(url, week())
    page = report(url)

    lamp = _entity(page, "lamp")
    assert [version.changed_at[:10] for version in lamp.versions] == ["2026-03-07", "2026-03-05"]
    assert "Only 2 versions of lamp are shown; there are more." in page.omissions
