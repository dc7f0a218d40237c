"""From a class and its options to tables and columns, or to a refusal."""

from __future__ import annotations

from dataclasses import dataclass, make_dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

import pydantic
import pytest
import scrapy
from sqlalchemy import JSON, Numeric

from scrapy_snapshot_pipeline.declaration.options import Options
from scrapy_snapshot_pipeline.declaration.resolve import (
    child_classes,
    fields_of,
    resolve,
    snake_case,
)
from scrapy_snapshot_pipeline.declaration.tables import SPIDER, Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.errors import DeclarationError
from tests.unit import item_classes as items

ROWS: dict[type, Options] = {
    items.Market: Options(("market",), untracked=("note",)),
    items.Price: Options(("outcome",)),
    items.Tag: Options(),
}


@dataclass
class Node:
    """Contains itself."""

    nodes: list[Node]


def resolved(item_class: type, *key: str, **options: Any) -> Declaration:
    """The declaration of a class, beside the classes of rows."""
    return resolve(item_class, {**ROWS, item_class: Options(key, **options)}.get)


def page(*fields: Any) -> type:
    """A dataclass with a URL and these fields."""
    return make_dataclass("Page", [("url", str), *fields])


def refusal(item_class: type, *key: str, **options: Any) -> str:
    """The text of the error, which always names the class, and the cure behind a semicolon."""
    with pytest.raises(DeclarationError) as caught:
        resolved(item_class, *key, **options)
    text = str(caught.value)
    assert "; " in text
    return text


def test_every_kind_of_field_gets_its_column() -> None:
    """The annotation decides the kind, and a SQLAlchemy type the limits."""
    columns = resolved(items.Everything, "text").columns
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
    declaration = resolved(items.OddsSnapshot, "event", "bookmaker", untracked=("url",))
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


def test_a_list_behind_a_nested_one_has_its_own_parent() -> None:
    """Not the table that was walked just before."""
    inner: Any = make_dataclass("Inner", [("tags", list[items.Tag])])
    outer: Any = make_dataclass("Outer", [("inner", list[inner]), ("tags", list[items.Tag])])
    whole = page(("first", list[items.Market]), ("outer", list[outer]))
    options = {**ROWS, inner: Options(), outer: Options(), whole: Options(("url",))}
    children = resolve(whole, options.get).children
    assert [(child.path, child.parent) for child in children] == [
        (("first",), None),
        (("first", "prices"), 0),
        (("outer",), None),
        (("outer", "inner"), 2),
        (("outer", "inner", "tags"), 3),
        (("outer", "tags"), 2),
    ]


@pytest.mark.parametrize(
    ("annotation", "kinds"),
    [
        (items.Price, [Kind.JSON]),
        (list[items.Price] | None, []),
        (list[items.PydanticItem], [Kind.JSON]),
        (Annotated[list[items.Price], JSON()], [Kind.JSON]),
        (dict[str, items.Price], [Kind.JSON]),
    ],
    ids=str,
)
def test_nested_values_are_json_unless_they_are_lists_of_a_declared_class(
    annotation: Any, kinds: list[Kind]
) -> None:
    """And have no SQL type of their own."""
    declaration = resolved(page(("x", annotation)), "url")
    assert [column.kind for column in declaration.columns[1:]] == kinds
    assert len(declaration.children) == 1 - len(kinds)


def test_a_class_without_types_has_its_key_and_data() -> None:
    """Key columns are text, all else is one JSON column."""
    declaration = resolved(items.ScrapyItem, "name", untracked=("seen",))
    assert declaration.untyped
    assert declaration.columns == (
        Column("name", Kind.TEXT, Role.KEY),
        Column("data", Kind.JSON, Role.TRACKED, untracked_paths=("seen",)),
    )


def test_a_list_of_dicts_stays_json_when_dict_is_declared() -> None:
    """A class without types is never a child table."""
    whole = page(("images", list[dict[str, str]]))
    declaration = resolve(whole, {dict: Options(("url",)), whole: Options(("url",))}.get)
    assert declaration.children == ()


def test_a_scrapy_item_with_annotations_is_typed() -> None:
    """Types beside the `Field`s are taken as stated."""

    class Typed(scrapy.Item):
        name: str = scrapy.Field()  # type: ignore[assignment]
        size: int = scrapy.Field()  # type: ignore[assignment]

    assert [column.kind for column in resolved(Typed, "name").columns] == [Kind.TEXT, Kind.INTEGER]


@pytest.mark.parametrize("item_class", [items.AttrsItem, items.PydanticItem, items.SlotsAbove])
def test_the_fields_of_every_library_are_found(item_class: type) -> None:
    """In their order."""
    fields = fields_of(item_class)
    assert fields is not None
    assert next(iter(fields)) == "name"


def test_the_classes_of_rows_are_those_of_the_lists_directly_in_the_class() -> None:
    """Not those in their lists."""
    assert child_classes(items.OddsSnapshot, ROWS.get) == {items.Market, items.Tag}


@pytest.mark.parametrize(
    ("name", "table"),
    [("OddsSnapshot", "odds_snapshot"), ("HTTPPage", "http_page"), ("Page2Go", "page2_go")],
)
def test_a_table_is_named_after_its_class(name: str, table: str) -> None:
    """In snake case."""
    assert snake_case(name) == table


PRICES = ("prices", list[items.Price])


@pytest.mark.parametrize(
    ("fields", "key", "options", "said"),
    [
        ([], "", {}, "Page has no key"),
        ([], "link", {}, "Page.link is named in key but is not a field; the fields are: url"),
        ([], "url", {"label": "x"}, "Page.x is named in label but is no field of the entity's tab"),
        ([PRICES], "url", {"label": "prices"}, "Page.prices is named in label but is no field of"),
        ([("x", str)], "url", {"label": "x", "exclude": ("x",)}, "Page.x is both label and left"),
        ([], "url", {"untracked": ("x",)}, "Page.x is named in untracked but is not a field"),
        ([], "url", {"untracked": ("url",)}, "Page.url is both key and untracked"),
        ([("x", list[str])], "x", {}, "Page.x is nested and cannot be a key"),
        ([PRICES], "prices", {}, "Page.prices is a child table and cannot be a key"),
        ([PRICES], "url", {"untracked": ("prices",)}, "Page.prices is a child table and cannot be"),
        ([("Run_id", str)], "url", {}, "Page.Run_id is a reserved column name"),
        ([("Snapshot_x", str)], "url", {}, "Page.Snapshot_x has a name that begins with snapshot_"),
        ([("snapshot_x", list[items.Price])], "url", {}, "Page.snapshot_x has a name that begins"),
        ([], "url", {"table": "v"}, "Page has the reserved table name"),
        ([("URL", str)], "url", {}, "Page.URL differs from another field only by case"),
        ([("x" * 64, str)], "url", {}, "has a name longer than 63 bytes"),
        ([("x", complex)], "url", {}, "Page.x has an unsupported type"),
        ([("x", list[complex])], "url", {}, "Page.x has an unsupported type"),
        ([("x", "Nowhere")], "url", {}, "Page.x has an annotation that cannot be resolved"),
        ([("x", Annotated[Decimal, Numeric(9)])], "url", {}, "Page.x states a precision without"),
        ([], "url", {"table": "a b"}, "Page has the invalid table name 'a b'"),
        ([], "url", {"table": "x" * 64}, "Page has the invalid table name"),
        ([], "url", {"table": "snapshot_runs"}, "Page has the reserved table name"),
        ([], "url", {"table": "page_current"}, "Page has the reserved table name"),
        ([], "url", {"table": "sqlite_page"}, "Page has the reserved table name"),
    ],
)
def test_a_wrong_declaration_is_refused(fields: Any, key: str, options: Any, said: str) -> None:
    """The error names the class, the field and what is wrong."""
    text = refusal(page(*fields), *([key] if key else []), **options)
    assert said in text
    assert text.startswith("Page")


def test_a_field_whose_table_would_have_a_reserved_name_is_refused() -> None:
    """A list is renamed by its field."""
    text = refusal(page(("current", list[items.Tag])), "url")
    assert "reserved table name 'page_current'; rename the field" in text


def test_a_position_field_in_a_list_without_a_key_is_refused() -> None:
    """That name belongs to the row's position in its list."""
    tag: Any = make_dataclass("Tag", [("position", int)])
    whole = page(("tags", list[tag]))
    with pytest.raises(DeclarationError, match=r"^Tag\.position is reserved"):
        resolve(whole, {tag: Options(), whole: Options(("url",))}.get)


def test_a_data_key_in_a_class_without_types_is_refused() -> None:
    """That name belongs to the JSON column."""
    assert refusal(dict, "data").startswith("dict.data is reserved")


def test_a_label_that_a_class_without_types_cannot_have_is_refused() -> None:
    """Where its fields are known; a dict may have any."""
    known: Any = type("Page", (scrapy.Item,), {"url": scrapy.Field()})
    assert refusal(known, "url", label="x").startswith("Page.x is named in label but is no field")
    assert "is both label" in refusal(dict, "url", label="x", exclude=("x",))
    assert resolved(dict, "url", label="x").label == "x"


def test_a_recursive_child_class_is_refused() -> None:
    """It would need tables without end."""
    whole = page(("nodes", list[Node]))
    with pytest.raises(DeclarationError, match=r"Node\.nodes makes a recursive child table"):
        resolve(whole, {Node: Options(), whole: Options(("url",))}.get)


def test_a_class_that_is_not_an_item_is_refused() -> None:
    """A declared plain class is a forgotten `@dataclass`."""
    assert refusal(type("Page", (), {}), "url").startswith("Page is not an item class")


T = TypeVar("T")


@dataclass
class Generic1(Generic[T]):
    """A row with a parameter."""

    price: T


class Generic2(pydantic.BaseModel, Generic[T]):
    """The same of pydantic."""

    price: T


@pytest.mark.parametrize("row", [Generic1, Generic2])
def test_a_list_of_rows_with_arguments_says_why_it_is_no_child_table(row: Any) -> None:
    """And what makes it one."""
    whole = page(("prices", list[row[Decimal]]))
    options = {row: Options(("price",)), whole: Options(("url",))}
    with pytest.raises(DeclarationError) as caught:
        resolve(whole, options.get)
    text = str(caught.value)
    assert text.startswith(f"Page.prices is a list of {row.__name__} with type arguments, which is")
    assert f"class My{row.__name__}(...), with @snapshot" in text
    as_json = page(("prices", Annotated[list[row[Decimal]], JSON]))
    found = resolve(as_json, {row: Options(("price",)), as_json: Options(("url",))}.get)
    assert found.columns[1].kind is Kind.JSON


def test_an_alias_that_fails_is_an_error_of_its_field() -> None:
    """As one of Python 3.12 may whose value names what is not there."""
    whole = page(("x", make_alias()))
    with pytest.raises(
        DeclarationError, match=r"Page\.x has an annotation that cannot be resolved"
    ):
        resolved(whole, "url")


def make_alias() -> Any:
    """An alias whose value raises when it is looked at."""

    def value(_: object) -> Any:
        raise NameError("name 'Gone' is not defined")

    return type("TypeAliasType", (), {"__value__": property(value)})()


def test_per_spider_puts_the_spider_before_the_key() -> None:
    """In a column that no field can have."""
    for item_class, key in ((items.AttrsItem, "name"), (dict, "url")):
        found = resolved(item_class, key, per_spider=True)
        assert found.columns[0] == SPIDER
        assert [c.name for c in found.columns if c.role is Role.KEY] == ["snapshot_spider", key]


def test_a_field_that_is_left_out_has_no_column() -> None:
    """Whatever its type is, and whatever its name."""
    whole = page(("x", complex), ("snapshot_id", int), ("prices", list[items.Price]))
    found = resolved(whole, "url", exclude=("x", "snapshot_id", "prices"))
    assert [column.name for column in found.columns] == ["url"]
    assert found.children == ()


def test_an_annotation_that_cannot_be_resolved_may_be_left_out() -> None:
    """As one of somebody else's, under TYPE_CHECKING; the others are read as they are."""
    whole = page(("x", "Nowhere"), ("price", "Decimal"))
    whole.__module__ = __name__
    found = resolved(whole, "url", exclude=("x",))
    assert [column.kind for column in found.columns] == [Kind.TEXT, Kind.DECIMAL]
