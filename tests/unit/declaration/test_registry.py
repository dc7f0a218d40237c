"""What declarations come to, and what is refused."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, make_dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
import scrapy
from sqlalchemy import JSON, Numeric

from scrapy_snapshot_pipeline.declaration import registry as declare
from scrapy_snapshot_pipeline.declaration.registry import (
    Declaration,
    Declarations,
    Kind,
    Role,
    snapshot,
)
from scrapy_snapshot_pipeline.errors import DeclarationError
from tests.unit import item_classes as items


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test sees only the classes that it declares itself."""
    empty: weakref.WeakValueDictionary[tuple[str, str], type] = weakref.WeakValueDictionary()
    monkeypatch.setattr(declare, "_registry", empty)


def declaration_of(item_class: type) -> Declaration:
    """The declaration, which must be there."""
    found = Declarations().of(item_class)
    assert found is not None
    return found


def declared(fields: list[Any], name: str = "Page", **options: Any) -> type:
    """A dataclass made and declared on the spot."""
    return snapshot(**options)(make_dataclass(name, fields))


def refusal(item_class: type) -> str:
    """The text of the error."""
    with pytest.raises(DeclarationError) as caught:
        Declarations().of(item_class)
    return str(caught.value)


def test_every_kind_of_field_gets_its_column() -> None:
    """The annotation decides the kind, and a SQLAlchemy type the limits."""
    columns = declaration_of(items.Everything).columns
    assert [column.kind for column in columns] == [
        Kind.TEXT, Kind.INTEGER, Kind.FLOAT, Kind.BOOLEAN, Kind.DECIMAL, Kind.DECIMAL,
        Kind.DATETIME, Kind.DATE, Kind.TIME, Kind.UUID, Kind.BYTES, Kind.ENUM, Kind.JSON, Kind.JSON,
    ]  # fmt: skip
    assert (columns[0].length, columns[0].role) == (20, Role.KEY)
    assert (columns[4].precision, columns[4].scale) == (6, 2)
    assert isinstance(columns[4].sql_type, Numeric)
    assert columns[4].annotation is Decimal


def test_lists_of_declared_classes_become_child_tables_depth_first() -> None:
    """Names, paths and parents follow the nesting; the list itself is no column."""
    declaration = declaration_of(items.OddsSnapshot)
    assert declaration.table == "odds_snapshot"
    assert [c.name for c in declaration.columns] == ["event", "bookmaker", "url", "kickoff"]
    assert [(c.name, c.path, c.parent) for c in declaration.children] == [
        ("odds_snapshot_markets", ("markets",), None),
        ("odds_snapshot_markets_prices", ("markets", "prices"), 0),
        ("odds_snapshot_tags", ("tags",), None),
    ]
    assert [child.positional for child in declaration.children] == [False, False, True]
    roles = {column.name: column.role for column in declaration.columns}
    assert roles["url"] is Role.UNTRACKED
    assert roles["kickoff"] is Role.TRACKED


@pytest.mark.parametrize(
    "item_class", [items.AttrsItem, items.PydanticItem, items.SlotsAbove, items.Everything]
)
def test_typed_classes_of_every_library_are_declared(item_class: type) -> None:
    """dataclass, attrs and pydantic alike, with the decorator above or below."""
    assert not declaration_of(item_class).untyped


def test_a_class_without_types_has_its_key_and_data() -> None:
    """Key columns are text, all else is one JSON column."""
    declaration = declaration_of(items.ScrapyItem)
    assert declaration.untyped
    assert [(c.name, c.kind) for c in declaration.columns] == [
        ("name", Kind.TEXT),
        ("data", Kind.JSON),
    ]
    assert declaration.untracked_data == {"seen"}


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


def test_a_list_of_dicts_stays_json_when_dict_is_declared() -> None:
    """A class without types is never a child table."""
    page = declared([("url", str), ("images", list[dict[str, str]])], key="url")
    found = Declarations({dict: {"key": "url"}}).of(page)
    assert found is not None
    assert found.children == ()


def test_roots_leave_out_classes_that_are_only_nested() -> None:
    """A child class needs no table of its own."""
    tag: Any = declared([("text", str)], name="Tag")
    page = declared([("url", str), ("tags", list[tag])], key="url")
    assert [root.item_class for root in Declarations().roots()] == [page]


def test_the_rebuilt_class_takes_the_place_of_the_decorated_one() -> None:
    """`@dataclass(slots=True)` above `@snapshot` leaves one class in the registry, the new one."""
    slotted: type = dataclass(slots=True)(declared_plain())
    assert [root.item_class for root in Declarations().roots()] == [slotted]


def declared_plain() -> type:
    """A class declared before it becomes a dataclass."""
    return snapshot(key="url")(type("Page", (), {"__annotations__": {"url": str}}))


def test_a_class_declared_later_is_found() -> None:
    """Declarations are looked up on first use, and then kept."""
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


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (int | None, Kind.INTEGER),
        (Literal["a", "b"], Kind.TEXT),
        (int | str, Kind.JSON),
        (Any, Kind.JSON),
        (dict[str, Any], Kind.JSON),
        (tuple[int, ...], Kind.JSON),
        (items.Price, Kind.JSON),
        (list[items.PydanticItem] | None, None),
        (Annotated[list[items.Price], JSON()], Kind.JSON),
    ],
)
def test_an_annotation_has_its_kind(annotation: Any, kind: Kind | None) -> None:
    """Nested values are JSON, unless they are lists of a declared class."""
    declaration = declaration_of(declared([("url", str), ("x", annotation)], key="url"))
    assert [c.kind for c in declaration.columns[1:]] == ([] if kind is None else [kind])


@pytest.mark.parametrize(
    ("fields", "options", "said"),
    [
        ([("url", str)], {}, "has no key"),
        ([("url", str)], {"key": "link"}, "Page.link is named as key but is no field"),
        ([("url", str)], {"key": "url", "untracked": "x"}, "named as untracked but is no field"),
        ([("url", str)], {"key": "url", "untracked": "url"}, "both key and untracked"),
        ([("url", list[str])], {"key": "url"}, "is nested and cannot be a key"),
        ([("url", list[items.Price])], {"key": "url"}, "is a child table and cannot be a key"),
        ([("u", str), ("p", list[items.Price])], {"key": "u", "untracked": "p"}, "be untracked"),
        ([("url", str), ("Run_id", str)], {"key": "url"}, "reserved column name"),
        ([("url", str), ("URL", str)], {"key": "url"}, "only by case"),
        ([("url", str), ("x" * 64, str)], {"key": "url"}, "longer than 63"),
        ([("url", str), ("x", timedelta)], {"key": "url"}, "unsupported type"),
        ([("url", str), ("x", list[timedelta])], {"key": "url"}, "unsupported type"),
        ([("url", str), ("x", "Nowhere")], {"key": "url"}, "cannot be resolved"),
        ([("u", str), ("x", Annotated[Decimal, Numeric(9)])], {"key": "u"}, "without a scale"),
        ([("url", str)], {"key": "url", "table": "a b"}, "invalid table name"),
        ([("url", str)], {"key": "url", "table": "snapshot_runs"}, "reserved table name"),
        ([("url", str)], {"key": "url", "table": "page_current"}, "reserved table name"),
    ],
)
def test_a_wrong_declaration_is_refused(fields: Any, options: Any, said: str) -> None:
    """The error names the class and what is wrong, and gives a cure after the semicolon."""
    text = refusal(declared(fields, **options))
    assert said in text
    assert text.startswith("Page")
    assert "; " in text


def test_a_position_field_in_a_list_without_a_key_is_refused() -> None:
    """That name belongs to the row's place in its list."""
    tag: Any = declared([("position", int)], name="Tag")
    assert "reserved" in refusal(declared([("url", str), ("tags", list[tag])], key="url"))


def test_a_data_key_in_a_class_without_types_is_refused() -> None:
    """That name belongs to the JSON column."""
    with pytest.raises(DeclarationError, match="reserved"):
        Declarations({dict: {"key": "data"}}).roots()


def test_two_classes_with_one_table_are_refused() -> None:
    """Also when one of the tables belongs to a list."""
    kept = [declared([("url", str), ("tags", list[items.Tag])], key="url")]
    kept.append(declared([("url", str)], name="Other", key="url", table="page_tags"))
    with pytest.raises(DeclarationError, match="both have the table 'page_tags'"):
        Declarations().roots()


@snapshot()
@dataclass
class Node:
    """Contains itself."""

    nodes: list[Node]


def test_a_recursive_child_class_is_refused_at_start() -> None:
    """It would need tables without end."""
    page = declared([("url", str), ("nodes", list[Node])], key="url")
    assert "recursive" in refusal(page)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"nowhere.Thing": {"key": "x"}}, "cannot be imported"),
        ({"json.dumps": {"key": "x"}}, "is no class"),
        ({"dict": {"keys": "x"}}, "unknown option 'keys'"),
        ({"dict": {"key": 3}}, "wrong key"),
        ({"dict": {"key": "x", "table": 3}}, "table that is no string"),
    ],
)
def test_wrong_settings_are_refused(given: Any, said: str) -> None:
    """At once, when the settings are read."""
    with pytest.raises(DeclarationError, match=said):
        Declarations(given)


def test_a_class_that_is_no_item_is_refused() -> None:
    """`@snapshot` on a plain class is a forgotten `@dataclass`."""
    assert "is no item class" in refusal(snapshot(key="url")(type("Page", (), {})))


def test_a_scrapy_item_with_annotations_is_typed() -> None:
    """Types beside the `Field`s are taken as stated."""

    class Typed(scrapy.Item):
        name: str = scrapy.Field()  # type: ignore[assignment]
        size: int = scrapy.Field()  # type: ignore[assignment]

    typed = snapshot(key="name")(Typed)
    assert [c.kind for c in declaration_of(typed).columns] == [Kind.TEXT, Kind.INTEGER]
