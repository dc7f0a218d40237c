"""Fields that pydantic classes take without declaring them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pydantic

from scrapy_snapshot_pipeline.capture.undeclared_fields import UndeclaredFields
from scrapy_snapshot_pipeline.declaration.registry import Declarations


class Deep(pydantic.BaseModel, extra="allow"):
    """A row of a row."""

    name: str


class Row(pydantic.BaseModel):
    """One that takes no more than it declares."""

    name: str
    deep: list[Deep] = []


@dataclass
class Page:
    """No class of pydantic."""

    url: str
    rows: list[Row] | None = field(default_factory=list)


class Loose(pydantic.BaseModel, extra="allow"):
    """An item with such rows, which takes more as well."""

    url: str
    deep: list[Deep] = []


OPTIONS: dict[type | str, Mapping[str, object]] = {
    Deep: {"key": "name"},
    Row: {"key": "name"},
    Page: {"key": "url"},
    Loose: {"key": "url"},
}


def looking(item_class: type) -> UndeclaredFields:
    """For items of one class."""
    found = Declarations(OPTIONS).of(item_class)
    assert found is not None
    return UndeclaredFields(found)


def test_each_class_is_found_once() -> None:
    """The item's and those of its lists; then nothing is left to look for."""
    undeclared = looking(Loose)
    assert undeclared.look(Loose(url="a", deep=[Deep(name="x")])) == []
    more = Deep.model_validate({"name": "x", "more": 1})
    assert undeclared.look(Loose(url="a", deep=[Deep(name="y"), more])) == [Deep]
    assert not undeclared.is_over
    assert undeclared.look(Loose.model_validate({"url": "a", "more": 1})) == [Loose]
    assert undeclared.is_over


def test_rows_of_rows_are_looked_at() -> None:
    """Whatever encloses them; a list that is None has none."""
    undeclared = looking(Page)
    assert undeclared.look(Page("a", None)) == []
    more = Deep.model_validate({"name": "x", "more": 1})
    assert undeclared.look(Page("a", [Row(name="r"), Row(name="s", deep=[more])])) == [Deep]


def test_where_no_class_takes_more_nothing_is_looked_for() -> None:
    """As in nearly all projects."""
    found = Declarations({Row: {"key": "name"}}).of(Row)
    assert found is not None
    assert UndeclaredFields(found).is_over
