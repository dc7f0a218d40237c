"""Resolves an item class and its options to tables and columns, or to an error with the cure."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from itemadapter import ItemAdapter

from scrapy_snapshot_pipeline.declaration.field_types import (
    SUPPORTED,
    FieldType,
    list_member,
    read_annotation,
)
from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.errors import DeclarationError

SYSTEM_COLUMNS = frozenset(
    {
        "entity_id",
        "snapshot_id",
        "content_hash",
        "valid_from",
        "last_confirmed_at",
        "valid_to",
        "run_id",
        "child_id",
        "parent_id",
    }
)
"""Reserved in every table, so that a class may be used for entities and for child rows."""
SYSTEM_TABLES = frozenset({"snapshot_runs", "snapshot_schema"})
VIEW_SUFFIXES = ("_current", "_changes")

_TABLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NAME_MAX_BYTES = 63


@dataclass(frozen=True, slots=True)
class Options:
    """What the user declares of one class."""

    key: tuple[str, ...] = ()
    table: str | None = None
    untracked: tuple[str, ...] = ()


OptionsOf: TypeAlias = Callable[[type], "Options | None"]
Fields: TypeAlias = "dict[str, FieldType]"


def resolve(item_class: type, options_of: OptionsOf) -> Declaration:
    """The declaration of a class whose items are yielded.  Raises `DeclarationError`."""
    options = options_of(item_class) or Options()
    if not options.key:
        _refuse(item_class, None, "has no key", "name the field(s) that identify it: key=...")
    fields = fields_of(item_class)
    table = options.table or snake_case(item_class.__name__)
    check_table_name(item_class, None, table)
    if fields is None:
        return _untyped(item_class, table, options)
    children = tuple(_children(item_class, options_of, _Parent(table, (), None, (item_class,), 0)))
    columns = _columns(item_class, options, _without_lists(fields, options_of))
    return Declaration(item_class, table, columns, children)


def child_classes(item_class: type, options_of: OptionsOf) -> set[type]:
    """The classes of the lists directly in this one.  Raises `DeclarationError`."""
    return set(_lists(fields_of(item_class) or {}, options_of).values())


def fields_of(item_class: type) -> Fields | None:
    """The class's fields by name, in order; None if it states no type for any of them."""
    if not ItemAdapter.is_item_class(item_class):
        cure = "make it a dataclass, attrs class, pydantic model or scrapy.Item"
        _refuse(item_class, None, "is not an item class", cure)
    names = ItemAdapter.get_field_names_from_class(item_class)
    hints = _hints(item_class)
    if not names or not any(name in hints for name in names):
        return None
    return {name: read_annotation(hints.get(name, Any)) for name in names}


def snake_case(name: str) -> str:
    """`OddsSnapshot` -> `odds_snapshot`, `HTTPPage` -> `http_page`."""
    return _WORD_START.sub("_", name).lower()


def check_table_name(item_class: type, field: str | None, table: str) -> None:
    """Raise `DeclarationError` for a name that databases refuse or this package reserves."""
    cure = 'choose another with table="..."' if field is None else "rename the field"
    if not _TABLE_NAME.fullmatch(table):
        cure += "; use at most 63 lower-case letters, digits and _, and no digit first"
        _refuse(item_class, field, f"has the invalid table name {table!r}", cure)
    if table in SYSTEM_TABLES or table.endswith(VIEW_SUFFIXES) or table.startswith("sqlite_"):
        _refuse(item_class, field, f"has the reserved table name {table!r}", cure)


def _hints(item_class: type) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(item_class, include_extras=True)
    except Exception as error:  # noqa: BLE001 - evaluating annotations may raise whatever they contain
        problem = f"has an annotation that cannot be resolved ({error})"
        cure = "define or import its types at the top of the module, not under TYPE_CHECKING"
        _refuse(item_class, None, problem, cure)


def _lists(fields: Fields, options_of: OptionsOf) -> dict[str, type]:
    """The fields that are child tables, with the class of their rows.

    A list of a class without types is no child table.  Its rows would be JSON in any case, and to
    declare `dict` for whole items must not turn every `list[dict]` into a table.
    """
    members = {
        name: member
        for name, field in fields.items()
        if field.sql_type is None and (member := list_member(field.annotation)) is not None
    }
    return {
        name: member
        for name, member in members.items()
        if options_of(member) is not None and fields_of(member) is not None
    }


def _without_lists(fields: Fields, options_of: OptionsOf) -> Fields:
    lists = _lists(fields, options_of)
    return {name: field for name, field in fields.items() if name not in lists}


@dataclass(frozen=True, slots=True)
class _Parent:
    """The table whose lists become child tables, on the walk over all tables, depth first."""

    table: str
    path: tuple[str, ...]
    index: int | None
    """In `Declaration.children`; None for the entity's own table."""
    classes: tuple[type, ...]
    """From the entity's class down; a class that would come twice is recursive."""
    next_index: int
    """The index of its first child table."""


def _children(owner: type, options_of: OptionsOf, parent: _Parent) -> Iterator[ChildTable]:
    index = parent.next_index
    for name, member in _lists(fields_of(owner) or {}, options_of).items():
        if member in parent.classes:
            cure = f"annotate it with a JSON type, as in Annotated[list[{member.__name__}], JSON]"
            _refuse(owner, name, "makes a recursive child table", cure)
        _check_list_role(owner, name, options_of(owner) or Options())
        table = f"{parent.table}_{name.lower()}"
        check_table_name(owner, name, table)
        path = (*parent.path, name)
        yield ChildTable(table, path, parent.index, _child_columns(member, options_of), member)
        inner = _Parent(table, path, index, (*parent.classes, member), index + 1)
        nested = tuple(_children(member, options_of, inner))
        yield from nested
        index += 1 + len(nested)


def _check_list_role(owner: type, name: str, options: Options) -> None:
    if name in options.key:
        _refuse(owner, name, "is a child table and cannot be a key", "choose scalar fields")
    if name in options.untracked:
        cure = "mark fields of its rows untracked, or annotate it with a JSON type"
        _refuse(owner, name, "is a child table and cannot be untracked", cure)


def _child_columns(member: type, options_of: OptionsOf) -> tuple[Column, ...]:
    options = options_of(member) or Options()
    fields = _without_lists(fields_of(member) or {}, options_of)
    columns = _columns(member, options, fields)
    if options.key:
        return columns
    if any(column.name.lower() == "position" for column in columns):
        cure = 'name a key for its rows (perhaps key="position"), or rename the field'
        _refuse(member, "position", "is reserved in a list without a key", cure)
    return (Column("position", Kind.INTEGER, Role.KEY), *columns)


def _columns(item_class: type, options: Options, fields: Fields) -> tuple[Column, ...]:
    _check_options(item_class, options, fields_of(item_class) or {})
    _check_names(item_class, fields)
    return tuple(_column(item_class, options, *named) for named in fields.items())


def _column(item_class: type, options: Options, name: str, field: FieldType) -> Column:
    if field.kind is None:
        cure = f"use {SUPPORTED}, and convert the value in the spider"
        _refuse(item_class, name, "has an unsupported type", cure)
    if field.precision is not None and field.scale is None:
        cure = f"write Numeric({field.precision}, <digits after the point>)"
        _refuse(item_class, name, "states a precision without a scale", cure)
    role = _role(options, name)
    if role is Role.KEY and field.kind is Kind.JSON:
        _refuse(item_class, name, "is nested and cannot be a key", "choose scalar fields")
    return Column(
        name,
        field.kind,
        role,
        field.annotation,
        field.sql_type,
        field.length,
        field.precision,
        field.scale,
    )


def _role(options: Options, name: str) -> Role:
    if name in options.key:
        return Role.KEY
    return Role.UNTRACKED if name in options.untracked else Role.TRACKED


def _untyped(item_class: type, table: str, options: Options) -> Declaration:
    names = ItemAdapter.get_field_names_from_class(item_class)
    _check_options(item_class, options, names)
    _check_names(item_class, options.key)
    if "data" in (name.lower() for name in options.key):
        _refuse(item_class, "data", "is reserved in a class without types", "rename the field")
    keys = (Column(name, Kind.TEXT, Role.KEY) for name in options.key)
    columns = (*keys, Column("data", Kind.JSON, Role.TRACKED))
    untracked = frozenset(options.untracked)
    return Declaration(item_class, table, columns, untyped=True, untracked_data=untracked)


def _check_options(
    item_class: type, options: Options, known: typing.Collection[str] | None
) -> None:
    for option, names in (("key", options.key), ("untracked", options.untracked)):
        for name in names:
            if known is not None and name not in known:
                cure = f"the fields are: {', '.join(known)}"
                _refuse(item_class, name, f"is named in {option} but is not a field", cure)
    for name in options.untracked:
        if name in options.key:
            _refuse(item_class, name, "is both key and untracked", "remove it from untracked")


def _check_names(item_class: type, names: typing.Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in SYSTEM_COLUMNS:
            _refuse(item_class, name, "is a reserved column name", "rename the field")
        if len(name.encode()) > _NAME_MAX_BYTES:
            _refuse(item_class, name, "has a name longer than 63 bytes", "rename the field")
        if name.lower() in seen:
            _refuse(item_class, name, "differs from another field only by case", "rename one")
        seen.add(name.lower())


def _refuse(item_class: type, field: str | None, problem: str, cure: str) -> NoReturn:
    where = item_class.__qualname__ if field is None else f"{item_class.__qualname__}.{field}"
    raise DeclarationError(f"{where} {problem}; {cure}")
