"""Loads the same events with dlt, twice; run by `dlt_rival` in an environment that has dlt."""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import dlt

START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


def events(entities: int, children: int) -> Iterator[dict[str, Any]]:
    """What `benchmarks.items.event` makes, as dicts."""
    for number in range(entities):
        yield {
            "event_id": f"event-{number:09d}",
            "bookmaker": "bench",
            "home_team": f"Home Rovers {number % 97}",
            "away_team": f"Away United {number % 89}",
            "kickoff": START + dt.timedelta(minutes=number % 100_000),
            "price": Decimal(150 + number % 300) / 100,
            "url": f"https://odds.example/events/{number}?lang=en",
            "markets": [market(number, place) for place in range(children)],
        }


def market(number: int, place: int) -> dict[str, Any]:
    """One child."""
    price = 100 + (number + place) % 400
    return {
        "market": f"market-{place:02d}",
        "line": Decimal(place) / 2 if place % 3 == 0 else None,
        "home": Decimal(price) / 100,
        "draw": Decimal(price + 110) / 100,
        "away": Decimal(price + 250) / 100,
    }


def main() -> None:
    """Print the seconds of both loads as JSON."""
    url, entities, children = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    pipeline = dlt.pipeline("bench", destination=dlt.destinations.postgres(url), dataset_name="d")
    seconds = {}
    for kind in ("new", "unchanged"):
        resource = dlt.resource(
            events(entities, children),
            name="event",
            write_disposition={"disposition": "merge", "strategy": "scd2"},
        )
        started = time.perf_counter()
        pipeline.run(resource)
        seconds[kind] = time.perf_counter() - started
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
