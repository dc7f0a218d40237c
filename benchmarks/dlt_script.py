"""The dlt side, which `dlt_rival` runs in an environment that has dlt."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import dlt

from benchmarks.items import event
from benchmarks.measure import timed

_PAGE = 1_000
"""Rows of a page; dlt's guide recommends resources that yield pages instead of rows."""

Dicts: TypeAlias = Sequence[dict[str, Any]]


def main() -> None:
    """Print the seconds of both loads in each format, as JSON."""
    options = _options()
    numbers = range(options.entities + 1)
    dicts = [dataclasses.asdict(event(number, options.children)) for number in numbers]
    seconds = {name: _seconds(options.url, name, dicts) for name in options.formats}
    print(json.dumps(seconds))


def _seconds(url: str, file_format: str, dicts: Dicts) -> dict[str, float]:
    """The seconds of both loads.  The last entity warms up: its load creates the tables."""
    pipeline = dlt.pipeline(
        f"bench_{file_format}",
        destination=dlt.destinations.postgres(url),
        dataset_name=f"dlt_{file_format}",
    )

    def load(some: Dicts) -> None:
        pipeline.run(_resource(some), loader_file_format=file_format)

    load(dicts[-1:])
    return {kind: timed(lambda: load(dicts[:-1])) for kind in ("new", "unchanged")}


def _resource(dicts: Dicts) -> Any:
    """Uses dlt's own row version, the hash of the row; `_dlt_valid_to` is NULL for current rows."""

    def pages() -> Iterator[Dicts]:
        for first in range(0, len(dicts), _PAGE):
            yield dicts[first : first + _PAGE]

    scd2 = {"disposition": "merge", "strategy": "scd2", "active_record_timestamp": None}
    return dlt.resource(pages, name="event", write_disposition=scd2)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--entities", type=int, required=True)
    parser.add_argument("--children", type=int, required=True)
    parser.add_argument("--formats", nargs="+", required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
