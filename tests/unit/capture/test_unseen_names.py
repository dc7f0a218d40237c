"""Names that no item had."""

from __future__ import annotations

from collections.abc import Container

import pytest

from scrapy_snapshot_pipeline.capture.unseen_names import UnseenNames


@pytest.mark.parametrize(
    ("items", "left"),
    [
        ([], []),
        ([["sku"]], ["at", "by"]),
        ([["sku", "at"], ["sku"]], ["by"]),
        ([["sku", "at"], ["sku", "by"]], []),
    ],
)
def test_a_name_is_left_until_one_item_has_it(items: list[Container[str]], left: list[str]) -> None:
    """Without an item nothing is known of any."""
    unseen = UnseenNames(("by", "at"))
    for item in items:
        unseen.look(item)
    assert unseen.left == left


def test_a_dotted_name_is_looked_for_by_its_first_part() -> None:
    """Or as it stands, where a field is called so."""
    unseen = UnseenNames(("files.status", "files.first.status", "image.size", "a.b"))
    unseen.look(["files", "a.b"])
    assert unseen.left == ["image.size"]


class Once:
    """The fields of an item that may be asked once."""

    asked = 0

    def __contains__(self, _: object) -> bool:
        self.asked += 1
        return True


def test_items_are_not_asked_once_each_name_was_seen() -> None:
    """It would cost every item of the crawl."""
    unseen, item = UnseenNames(("at",)), Once()
    unseen.look(item)
    unseen.look(item)
    assert item.asked == 1
