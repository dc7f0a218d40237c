"""What real projects need by settings alone: one class for many sites, fields that flicker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch, Outcome
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.commands.in_process import run_command
from tests.contract.entities import RUN, at


@dataclass
class Offer:
    """An item of a shop."""

    sku: str
    price: int
    raw_html: str = ""
    images: list[dict[str, str]] = field(default_factory=list)


def outcomes(
    url: str, options: dict[str, Any], *crawls: tuple[str, list[Any]]
) -> list[set[Outcome]]:
    """What became of the items of each crawl, which come with their spiders."""
    item_class = type(crawls[0][1][0])
    declaration = Declarations({item_class: {"table": "offer", "key": "sku", **options}}).of(
        item_class
    )
    assert declaration is not None
    store = SnapshotStore(connect_engine(url, connect_timeout=10))
    store.declare([declaration])
    found = []
    for second, (spider, items) in enumerate(crawls, 1):
        capture = compile_capture(declaration, spider=spider)
        batch = Batch(tuple(capture(item, at(second), RUN) for item in items))
        found.append(set(store.write(batch).outcomes))
    store.close()
    return found


@pytest.mark.parametrize("kind", [Offer, dict])
def test_ids_of_two_spiders_are_two_entities(kind: Any, database_url: str) -> None:
    """New, new, and from then on confirmed; and each can be asked for."""
    a, b = ([kind(sku=str(n), price=n + more) for n in range(10)] for more in (0, 5))
    crawls = [("a", a), ("b", b), ("a", a), ("b", b)]
    found = outcomes(database_url, {"per_spider": True}, *crawls)
    assert found == [{Outcome.INSERTED}] * 2 + [{Outcome.CONFIRMED}] * 2
    with SnapshotHistory(database_url) as history:
        assert history.table("offer").key == ("snapshot_spider", "sku")
        key = {"snapshot_spider": "b", "sku": "3"}
        [version] = history.versions("offer", key)
        assert (version.key, version.values["price"]) == (key, 8)
        assert len(list(history.current("offer", where={"snapshot_spider": "a"}))) == 10
    run_command(database_url, "show", "--key", "snapshot_spider=a", "--key", "sku=3", "--csv")


@pytest.mark.parametrize("kind", [Offer, dict])
def test_what_a_pipeline_of_files_adds_may_flicker(kind: Any, database_url: str) -> None:
    """The status is untracked, and another checksum is still a change."""

    def item(status: str, checksum: str) -> Any:
        images = [{"path": "p", "status": status, "checksum": checksum}]
        return kind(sku="a", price=1, raw_html=status, images=images)

    options = {"untracked": ("images.status",), "exclude": ("raw_html",)}
    seen = [item("downloaded", "1"), item("uptodate", "1"), item("uptodate", "2")]
    found = outcomes(database_url, options, *[("s", [each]) for each in seen])
    assert found == [{Outcome.INSERTED}, {Outcome.CONFIRMED}, {Outcome.REVISED}]
    with SnapshotHistory(database_url) as history:
        [state] = history.current("offer")
        assert state.values["images"] == [{"path": "p", "status": "uptodate", "checksum": "2"}]
        assert "raw_html" not in state.values
        untracked = history.table("offer").untracked
    assert untracked == ("images.status",)
