"""A real Chromium that records what it asked the network for and what it drew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
MISSING = "no Chromium with its driver is installed (Debian: chromium, chromium-driver)"

PHONE = {"width": 390, "height": 840, "deviceScaleFactor": 2, "mobile": True}

# Records the levels of each line, and the parts of it that its gaps leave visible.
_SPY = """
window.drawnLevels = []; window.drawnParts = [];
const NativePath = window.Path2D;
window.Path2D = class extends NativePath {
  levels = null; parts = null;
  // A copy of a line is the area below it.
  constructor(...from) { super(...from); this.copied = from.length > 0; }
  lineTo(x, y) {
    super.lineTo(x, y);
    if (this.copied) return;
    if (!this.levels) drawnLevels.push(this.levels = []);
    if (this.levels.at(-1) !== y) this.levels.push(y);
  }
  rect(x, y, w, h) {
    if (!this.parts) drawnParts.push(this.parts = []);
    this.parts.push([x, x + w]);
    super.rect(x, y, w, h);
  }
};
"""


@contextmanager
def chromium() -> Iterator[Chrome]:
    """Headless, with nothing remembered."""
    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    # Without --no-sandbox it does not start as root, as in a container.
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options, ChromeService(DRIVER))
    try:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _SPY})
        yield driver
    finally:
        driver.quit()


def visit(driver: Chrome, page: Path, view: str = "") -> None:
    """Load the page from the disk again, with one view open."""
    driver.get("about:blank")
    driver.get(f"{page.as_uri()}#{view}")


def requests(driver: Chrome) -> set[str]:
    """Every address that was asked for since the last call."""
    events = [json.loads(entry["message"])["message"] for entry in _log(driver, "performance")]
    return {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }


def complaints(driver: Chrome) -> list[str]:
    """What stands in the console."""
    return [entry["message"] for entry in _log(driver, "browser")]


def _log(driver: Chrome, name: str) -> list[dict[str, str]]:
    """`get_log` of selenium has no types."""
    return list(driver.execute("getLog", {"type": name})["value"])
