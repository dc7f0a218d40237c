"""Fields that pydantic takes beside the declared ones, which are not stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from scrapy_snapshot_pipeline.declaration.tables import Declaration


class UndeclaredFields:
    """Looks for them in items and the rows of their lists, in each class until it has some."""

    def __init__(self, declaration: Declaration) -> None:
        lists = ((child.path, child.item_class) for child in declaration.children)
        tables = [((), declaration.item_class), *lists]
        self._left = {path: each for path, each in tables if _takes_any(each)}

    @property
    def is_over(self) -> bool:
        """There is no class left to look for."""
        return not self._left

    def look(self, item: object) -> list[type]:
        """The classes of which this item is the first to have some."""
        found = [path for path in self._left if _any_has_some(_rows(item, path))]
        return [self._left.pop(path) for path in found]


def _takes_any(item_class: type) -> bool:
    """Whether it is a pydantic class with `extra="allow"`."""
    config = getattr(item_class, "model_config", None)
    return isinstance(config, Mapping) and config.get("extra") == "allow"


def _any_has_some(rows: Iterable[object]) -> bool:
    return any(getattr(row, "model_extra", None) for row in rows)


def _rows(owner: object, path: Sequence[str]) -> Iterator[object]:
    """The rows of a list, those of all enclosing rows together; the item itself at no path."""
    if not path:
        yield owner
        return
    rows = getattr(owner, path[0], None)
    for row in rows if isinstance(rows, (list, tuple)) else ():
        yield from _rows(row, path[1:])
