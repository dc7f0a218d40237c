"""The dlt side; run by `dlt_rival`, in an environment that has dlt."""

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
"""dlt's guide to performance: a resource that yields pages is faster than one that yields rows."""

Dicts: TypeAlias = Sequence[dict[str, Any]]


def main() -> None:
    """Print the seconds of both loads in each format, as JSON."""
    options = _options()
    numbers = range(options.entities + 1)
    dicts = [dataclasses.asdict(event(number, options.children)) for number in numbers]
    found = {name: _seconds(options.url, name, dicts) for name in options.formats}
    print(json.dumps(found))


def _seconds(url: str, file_format: str, dicts: Dicts) -> dict[str, float]:
    """The last entity is the warm-up: it makes the tables, and is retired by the next load."""
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
    """With dlt's own row version, the hash of the row, and `_dlt_valid_to` NULL where current."""

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
