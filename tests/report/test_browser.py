"""The page in a real browser: report/assets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.report import render
from tests.report.shop import HOSTILE, hostile_week, product, report, store, week

pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.report.browser import (
    CHROMIUM,
    DRIVER,
    MISSING,
    PHONE,
    chromium,
    complaints,
    requests,
    visit,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=MISSING),
    pytest.mark.xdist_group("browser"),
]

VIEWS = ("overview", "changes", "movers", "new", "unseen", "entities", "e1", "e2")


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[Chrome]:
    """One for all tests: starting it takes a second."""
    with chromium() as driver:
        yield driver


@pytest.fixture
def browser(shared_browser: Chrome) -> Chrome:
    """With a desktop's window and no memory of the test before."""
    shared_browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    shared_browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    requests(shared_browser)
    complaints(shared_browser)
    return shared_browser


def _page(folder: Path, name: str, *, hostile: bool) -> Path:
    url = f"sqlite:///{(folder / name).as_posix()}.db"
    spider = HOSTILE[0] if hostile else "shop"
    store(url, hostile_week() if hostile else week(), spider)
    page = folder / f"{name}.html"
    page.write_text(render(report(url)), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on the week."""
    return _page(tmp_path_factory.mktemp("report"), "week", hostile=False)


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on the hostile week."""
    return _page(tmp_path_factory.mktemp("report"), "hostile", hostile=True)


def _lamp(browser: Chrome, page: Path, *, dotted: bool = True) -> None:
    """The page of the entity that moved."""
    visit(browser, page)
    link = browser.find_element(By.LINK_TEXT, "Movers")
    link.click()
    browser.execute_script("drawnLevels.length = drawnParts.length = 0")
    browser.find_element(By.CSS_SELECTOR, "#movers tbody a").click()
    _wait_for_view(browser, "e1")
    if not dotted:
        browser.execute_script("drawnLevels.length = drawnParts.length = 0")
        browser.find_element(By.CSS_SELECTOR, "#e1 .bridge input").click()


def _wait_for_view(browser: Chrome, view: str) -> None:
    shown = "return !document.getElementById(arguments[0]).hidden"
    for _ in range(1000):
        if browser.execute_script(shown, view):
            return
    pytest.fail(f"view {view} was never shown")


def _shown(browser: Chrome) -> list[str]:
    rows = browser.find_elements(By.CSS_SELECTOR, "#feed > li:not([hidden])")
    return [row.text for row in rows]


def test_charts_have_as_many_steps_as_the_history(browser: Chrome, page: Path) -> None:
    """Three prices of the lamp, three of one shop and one of the other, three counts of stock."""
    _lamp(browser, page, dotted=False)

    levels = browser.execute_script("return drawnLevels.map((line) => line.length)")
    assert levels == [3, 3, 1, 3]


def test_gaps_can_be_left_open(browser: Chrome, page: Path) -> None:
    """The line of the price has three parts: nobody looked on day 3, nor after day 5."""
    _lamp(browser, page, dotted=False)

    parts = browser.execute_script("return drawnParts.filter((each) => each.length > 1)")
    assert [len(each) for each in parts] == [3, 3, 3]


def test_gaps_are_dotted(browser: Chrome, page: Path) -> None:
    """A bridge for each of the four lines, unless it is switched off, and none in the legend."""
    _lamp(browser, page)

    # The south line has no gap, so its bridge draws nothing.
    assert browser.execute_script("return drawnLevels.length") == 4 + 3
    legend = browser.find_elements(By.CSS_SELECTOR, "#e1 .u-series")
    assert [row.text for row in legend if row.is_displayed()] == [
        "price",
        "north",
        "south",
        "extra.stock",
    ]


def test_times_can_be_in_the_zone_of_the_reader(browser: Chrome, page: Path) -> None:
    """A switch changes all of them and the name of the zone, and changes them back."""
    browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    try:
        visit(browser, page, "e1")
        first = "return document.querySelector('#e1 .time').textContent"
        zone = "return document.getElementById('zone').textContent"
        switch = browser.find_element(By.CSS_SELECTOR, "#local input")
        assert browser.execute_script(first) == "2026-03-07 00:00:00"
        switch.click()
        assert browser.execute_script(first) == "2026-03-07 05:30:00"
        assert browser.execute_script(zone) in {"Asia/Kolkata", "Asia/Calcutta"}
        switch.click()
        assert browser.execute_script(first) == "2026-03-07 00:00:00"
        assert browser.execute_script(zone) == "UTC"
    finally:
        browser.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


def test_long_key_hides_no_column(browser: Chrome, tmp_path: Path) -> None:
    """It is broken, although it has no space, and the lists need not be pushed sideways."""
    url = f"sqlite:///{(tmp_path / 'long.db').as_posix()}"
    key = "https://example.com/" + "k" * 300
    store(url, {day: [product(key, str(9 + day), offers={})] for day in range(2)})
    page = tmp_path / "long.html"
    page.write_text(render(report(url)), encoding="utf-8")
    hidden = (
        "return [...document.querySelectorAll('.view:not([hidden]) .wide')]"
        ".map((list) => list.scrollWidth - list.clientWidth)"
    )
    for view in VIEWS[:-1]:
        visit(browser, page, view)
        assert set(browser.execute_script(hidden)) <= {0}, view


def test_words_on_a_card_are_whole(browser: Chrome, page: Path) -> None:
    """A label on the overview is one line high, or breaks between words."""
    visit(browser, page)
    lines = (
        "return [...document.querySelectorAll('.card dt')]"
        ".map((label) => label.offsetHeight / parseFloat(getComputedStyle(label).lineHeight))"
    )
    new, changes, _ = browser.execute_script(lines)
    assert (round(new), round(changes)) == (1, 1)


def test_filters_filter(browser: Chrome, page: Path) -> None:
    """By text, by kind, by both; and the count is shown."""
    visit(browser, page, "changes")
    _wait_for(browser, 6)

    browser.find_element(By.ID, "filter-text").send_keys("LAMP")
    _wait_for(browser, 3)
    Select(browser.find_element(By.ID, "filter-kind")).select_by_visible_text("new")
    _wait_for(browser, 1)
    assert browser.find_element(By.ID, "filter-count").text == "1 of 6 changes"
    browser.find_element(By.ID, "filter-text").clear()
    browser.find_element(By.ID, "filter-text").send_keys("no such thing")
    _wait_for(browser, 0)


def _wait_for(browser: Chrome, changes: int) -> None:
    """The page answers an input in its own time; fails if it never shows this many changes."""
    WebDriverWait(browser, 10).until(lambda _: len(_shown(browser)) == changes)


def test_no_request_leaves_the_page(browser: Chrome, page: Path) -> None:
    """The file itself is all that is asked for, whatever view is opened."""
    for view in VIEWS:
        visit(browser, page, view)

    asked = {url.partition("#")[0] for url in requests(browser)}
    assert asked == {page.as_uri()}
    assert complaints(browser) == []


def test_hostile_page_runs_nothing(browser: Chrome, hostile_page: Path) -> None:
    """Every view is opened, every text is shown as text, and nothing of it ran."""
    for view in VIEWS:
        visit(browser, hostile_page, view)
        assert browser.execute_script("return window.pwned") is None
    assert complaints(browser) == []

    visit(browser, hostile_page, "changes")
    text = browser.find_element(By.ID, "feed").text
    assert all(each in text for each in HOSTILE[:5])
    assert "\u202e" not in text


def test_policy_stops_a_script_that_got_in(browser: Chrome, page: Path) -> None:
    """The second wall holds without the first: an inline script is refused."""
    visit(browser, page)
    browser.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.pwned = 1';"
        "document.body.append(s)"
    )

    assert browser.execute_script("return window.pwned") is None
    assert any("Content Security Policy" in each for each in complaints(browser))


def test_keyboard_reaches_every_view(browser: Chrome, page: Path) -> None:
    """Tab leads past the skip link to the sections; Enter opens, and the title has the focus."""
    visit(browser, page)
    focused = "return document.activeElement.textContent"
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.execute_script(focused) == "Skip to the content"
    for _ in range(3):
        browser.switch_to.active_element.send_keys(Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    _wait_for_view(browser, "changes")

    assert browser.execute_script(focused) == "Changes, newest first"


def test_page_fits_a_phone(browser: Chrome, page: Path) -> None:
    """No view is wider than the screen."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    for view in VIEWS:
        visit(browser, page, view)
        assert browser.execute_script("return document.documentElement.scrollWidth") == 390


def test_rows_are_cards_on_a_phone(browser: Chrome, page: Path) -> None:
    """No list has to be pushed sideways; each value says its column, and is a cell by its role."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    hidden = (
        "return [...document.querySelectorAll('.view:not([hidden]) .wide')]"
        ".map((list) => list.scrollWidth - list.clientWidth)"
    )
    for view in VIEWS:
        visit(browser, page, view)
        assert set(browser.execute_script(hidden)) <= {0}, view

    visit(browser, page, "movers")
    cell = browser.find_element(By.CSS_SELECTOR, "#movers tbody td:nth-child(3)")
    column = "return getComputedStyle(arguments[0], '::before').content"
    assert browser.execute_script(column, cell) == '"Change "'
    assert cell.aria_role == "cell"


def test_view_opened_by_its_address_begins_with_the_head(browser: Chrome, page: Path) -> None:
    """The title of the page and the links to the sections are in sight, as after a click."""
    for view in VIEWS:
        visit(browser, page, view)
        assert browser.execute_script("return scrollY") == 0, view


def test_sections_stay_in_sight(browser: Chrome, page: Path) -> None:
    """Whoever reads far down a list can go elsewhere at once."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    visit(browser, page, "changes")
    browser.execute_script("scrollTo(0, document.body.scrollHeight)")

    assert browser.execute_script("return scrollY") > 0
    top = "return document.querySelector('nav').getBoundingClientRect().top"
    assert browser.execute_script(top) == 0


def test_dark_mode_is_dark(browser: Chrome, page: Path) -> None:
    """The page follows the system, and its charts are drawn in other colours."""
    colours = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        visit(browser, page)
        colours.append(
            browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        )

    assert colours == ["rgb(246, 247, 249)", "rgb(17, 21, 28)"]


def test_charts_and_tables_have_names(browser: Chrome, page: Path) -> None:
    """What a screen reader says of each chart and of each table that scrolls."""
    visit(browser, page, "e1")
    shown = "#e1 .chart, #e1 .wide"
    names = [each.accessible_name for each in browser.find_elements(By.CSS_SELECTOR, shown)]

    assert names == ["price", "offers.amount", "extra.stock", "Versions, newest first"]
