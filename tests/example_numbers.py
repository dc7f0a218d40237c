"""What the crawls of the example project are held to."""

from __future__ import annotations

KNOWN: dict[tuple[str, str], dict[str, int]] = {
    ("odds", "opening"): {"inserted": 380, "written": 1140},
    ("competitor_odds", "opening"): {"inserted": 1716, "written": 2468},
    ("odds", "closing"): {"revised": 380, "written": 1042, "ended": 1042},
    ("competitor_odds", "closing"): {
        "revised": 1655,
        "confirmed": 51,
        "unseen": 10,
        "written": 2406,
        "ended": 2405,
    },
    ("odds", "again"): {"confirmed": 380},
    ("competitor_odds", "again"): {"confirmed": 1706, "unseen": 10},
}
"""What each crawl does, in their order; what is not named is 0."""
