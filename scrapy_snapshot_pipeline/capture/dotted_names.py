"""Takes out of a nested value what dotted names lead to, through lists too.

A name that has a dot itself is found as well: `a.b` leads to `{"a.b": 1}` and to `{"a": {"b": 1}}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from itemadapter import ItemAdapter

Paths: TypeAlias = Sequence[str]

_MAX_DEPTH = 100
"""A value that contains itself is left to those who refuse it."""


def parted(value: Any, paths: Paths) -> tuple[Any, Any]:
    """What is left of a plain value, and what was taken out, which is empty where nothing was."""
    if isinstance(value, list):
        parts = [parted(member, paths) for member in value]
        return [kept for kept, _ in parts], [taken for _, taken in parts if taken]
    if not isinstance(value, dict):
        return value, {}
    kept, taken = {}, {}
    for name, member in value.items():
        inside = list(_inside(name, paths))
        if "" in inside:
            taken[name] = member
            continue
        kept[name], out = parted(member, inside) if inside else (member, None)
        if out:
            taken[name] = out
    return kept, taken


def without(value: Any, paths: Paths, depth: int = 0) -> Any:
    """A scraped value of any kind without what the names lead to; the value itself is not changed.

    An item on the way becomes a dict of its fields that are not None.
    """
    if depth == _MAX_DEPTH or not paths:
        return value
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return [without(member, paths, depth + 1) for member in value]
    if ItemAdapter.is_item(value):
        members = ItemAdapter(value).items()
        fields = {name: member for name, member in members if member is not None}
        return _without(value if isinstance(value, dict) else fields, paths, depth)
    return _without(value, paths, depth) if isinstance(value, Mapping) else value


def _without(members: Mapping[Any, Any], paths: Paths, depth: int) -> dict[Any, Any]:
    kept = {}
    for name, member in members.items():
        inside = list(_inside(name, paths)) if isinstance(name, str) else []
        if "" not in inside:
            kept[name] = without(member, inside, depth + 1)
    return kept


def _inside(name: str, paths: Paths) -> Iterator[str]:
    """What of the names is left below this member; an empty text is the member itself."""
    start = f"{name}."
    for path in paths:
        if path == name:
            yield ""
        elif path.startswith(start):
            yield path[len(start) :]
