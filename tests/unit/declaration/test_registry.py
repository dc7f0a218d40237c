"""Declaring classes by decorator and by settings, and finding their declarations."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, make_dataclass
from typing import Any

import pytest

from scrapy_snapshot_pipeline.declaration import registry
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import DeclarationError
from tests.unit import item_classes as items


@pytest.fixture(autouse=True)
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test sees only the classes that it declares itself."""
    empty: weakref.WeakValueDictionary[tuple[str, str], type] = weakref.WeakValueDictionary()
    monkeypatch.setattr(registry, "_registry", empty)


def declaration_of(item_class: type) -> Declaration:
    """The declaration, which must be there."""
    found = Declarations().of(item_class)
    assert found is not None
    return found


def declared(fields: list[Any], name: str = "Page", **options: Any) -> type:
    """A dataclass made and declared on the spot."""
    return snapshot(**options)(make_dataclass(name, fields))


@pytest.mark.parametrize(
    "item_class", [items.AttrsItem, items.PydanticItem, items.SlotsAbove, items.Everything]
)
def test_typed_classes_of_every_library_are_declared(item_class: type) -> None:
    """dataclass, attrs and pydantic alike, with the decorator above or below."""
    assert not declaration_of(item_class).untyped


def test_settings_declare_classes_by_path() -> None:
    """`dict` and dotted paths are imported; the settings win over a decorator."""
    path = f"{items.__name__}.AttrsItem"
    declarations = Declarations(
        {"dict": {"key": "url", "table": "book"}, path: {"key": "name", "table": "other"}}
    )
    assert [root.table for root in declarations.roots()] == ["book", "other"]
    found = declarations.of(items.AttrsItem)
    assert found is not None
    assert found.table == "other"
    assert declarations.table("book") is declarations.of(dict)


def test_roots_leave_out_classes_that_are_only_nested() -> None:
    """A child class needs no table of its own."""
    tag: Any = declared([("text", str)], name="Tag")
    page = declared([("url", str), ("tags", list[tag])], key="url")
    assert [root.item_class for root in Declarations().roots()] == [page]


def test_the_rebuilt_class_replaces_the_decorated_one() -> None:
    """`@dataclass(slots=True)` above `@snapshot` leaves one class in the registry, the new one."""
    slotted: type = dataclass(slots=True)(declared_plain())
    assert [root.item_class for root in Declarations().roots()] == [slotted]


def declared_plain() -> type:
    """A class declared before it becomes a dataclass."""
    return snapshot(key="url")(type("Page", (), {"__annotations__": {"url": str}}))


def test_a_class_declared_later_is_found() -> None:
    """And it is resolved only once."""
    declarations = Declarations()
    assert declarations.roots() == ()
    page = declared([("url", str)], key="url")
    assert declarations.of(page) is declarations.of(page) is not None


def test_an_undeclared_class_and_a_subclass_have_no_declaration() -> None:
    """Options are not inherited."""
    page = declared([("url", str)], key="url")
    sub = make_dataclass("Sub", [], bases=(page,))
    assert Declarations().of(int) is None
    assert Declarations().of(sub) is None


def test_two_classes_with_one_table_are_refused() -> None:
    """Also when one of the tables belongs to a list."""
    page = declared([("url", str), ("tags", list[items.Tag])], key="url")
    other = declared([("url", str)], name="Other", key="url", table="page_tags")
    assert page is not other  # both are still there
    with pytest.raises(DeclarationError, match="both have the table 'page_tags'"):
        Declarations().roots()


@dataclass
class Hen:
    """Nested in what is nested in it."""

    name: str
    eggs: list[Egg]


@dataclass
class Egg:
    """Nested in what is nested in it."""

    name: str
    hens: list[Hen]


def test_classes_that_are_nested_only_in_one_another_are_refused() -> None:
    """None of them is a root, and none may be overlooked."""
    for item_class in (Hen, Egg):
        snapshot(key="name")(item_class)
    with pytest.raises(DeclarationError, match="makes a recursive child table"):
        Declarations().roots()


def test_the_rows_of_a_list_that_is_left_out_are_no_items() -> None:
    """Nobody yields them, so they need no table and no key."""
    tag: Any = snapshot()(make_dataclass("Row", [("text", str)]))
    page = declared([("url", str), ("tags", list[tag])], key="url", exclude="tags")
    assert [root.item_class for root in Declarations().roots()] == [page]


def test_a_declaration_is_found_by_its_table() -> None:
    """Not by that of one of its lists."""
    page = declared([("url", str), ("tags", list[items.Tag])], key="url")
    declarations = Declarations()
    assert declarations.table("page") is declarations.of(page) is not None
    assert declarations.table("page_tags") is None
    assert declarations.table("nowhere") is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"key": 3}, "Page has an invalid key; give a field's name or a sequence of names"),
        ({"key": [""]}, "Page has an invalid key"),
        ({"key": "url", "untracked": [3]}, "Page has an invalid untracked"),
        ({"key": "url", "table": 3}, "Page has a table that is not a string; give its name"),
        ({"key": "url", "label": 3}, "Page has a label that is not a string; give its name"),
    ],
)
def test_wrong_options_of_the_decorator_are_refused(options: Any, said: str) -> None:
    """At once, when the class is made."""
    with pytest.raises(DeclarationError, match=f"^{said}"):
        declared([("url", str)], **options)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nowhere.Thing": {"key": "x"}}, "cannot be imported"),
        ({"json.dumps": {"key": "x"}}, "is not a class"),
        ({"dict": {"keys": "x"}}, "unknown option 'keys'"),
        ({"dict": {"key": 3}}, "invalid key"),
        ({"dict": {"key": "x", "table": 3}}, "table that is not a string"),
    ],
)
def test_wrong_settings_are_refused(given: Any, said: str) -> None:
    """At once, when the settings are read."""
    with pytest.raises(DeclarationError, match=said):
        Declarations(given)
