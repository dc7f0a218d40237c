"""Resolves an item class and its options to tables and columns, or to an error with the cure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from itemadapter import ItemAdapter

from scrapy_snapshot_pipeline.declaration.field_types import (
    SUPPORTED,
    FieldType,
    generic_member,
    list_member,
    read_annotation,
)
from scrapy_snapshot_pipeline.declaration.hints import Unresolved, hints_of
from scrapy_snapshot_pipeline.declaration.options import (
    Options,
    check_label,
    check_options,
    refuse,
)
from scrapy_snapshot_pipeline.declaration.our_names import PREFIX, is_ours
from scrapy_snapshot_pipeline.declaration.secrets import secrets_in
from scrapy_snapshot_pipeline.declaration.sql_types import Storage, UnfitTypeError, storage_of
from scrapy_snapshot_pipeline.declaration.tables import (
    SPIDER,
    ChildTable,
    Column,
    Declaration,
    Kind,
    Role,
)

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
SYSTEM_TABLES = frozenset({"snapshot_runs", "snapshot_schema", "v"})
"""Those of the plugin, and the name that the rows of a batch have in its statements."""
VIEW_SUFFIXES = ("_current", "_changes")

_TABLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NAME_MAX_BYTES = 63
_EXCLUDE = 'leave it out with exclude=("{}",)'
_RENAME = "rename the field, or leave it out with exclude=..."


OptionsOf: TypeAlias = Callable[[type], "Options | None"]
Fields: TypeAlias = "dict[str, FieldType]"


def resolve(item_class: type, options_of: OptionsOf) -> Declaration:
    """The declaration of a class whose items are yielded.  Raises `DeclarationError`."""
    options = options_of(item_class) or Options()
    if not options.key:
        refuse(item_class, None, "has no key", "name the field(s) that identify it: key=...")
    table = options.table or snake_case(item_class.__name__)
    check_table_name(item_class, None, table)
    spider = (SPIDER,) if options.per_spider else ()
    if fields_of(item_class) is None:
        columns = (*spider, *_untyped_columns(item_class, options))
        return Declaration(item_class, table, columns, untyped=True, label=options.label)
    fields = _Fields(item_class, options, options_of)
    top = _Parent(table, (), None, (item_class,), 0)
    children = tuple(_children(fields, options_of, top))
    columns = (*spider, *_columns(fields, options_of))
    check_label(item_class, options, [column.name for column in columns])
    return Declaration(item_class, table, columns, children, label=options.label)


def child_classes(item_class: type, options_of: OptionsOf) -> set[type]:
    """The classes of the lists directly in this one, those that are left out too.

    Raises `DeclarationError`.
    """
    return set(_lists(fields_of(item_class) or {}, options_of).values())


def fields_of(item_class: type) -> Fields | None:
    """The class's fields by name, in order; None if it states no type for any of them."""
    if not ItemAdapter.is_item_class(item_class):
        cure = "make it a dataclass, attrs class, pydantic model or scrapy.Item"
        refuse(item_class, None, "is not an item class", cure)
    names = ItemAdapter.get_field_names_from_class(item_class)
    hints = hints_of(item_class)
    if not names or not any(name in hints for name in names):
        return None
    return {name: _read_annotation(hints.get(name, Any)) for name in names}


def _read_annotation(hint: Any) -> FieldType:
    if isinstance(hint, Unresolved):
        return FieldType(hint, None)
    try:
        return read_annotation(hint)
    except Exception as error:  # noqa: BLE001 - an alias may raise whatever it contains
        return FieldType(Unresolved(error), None)


def snake_case(name: str) -> str:
    """`OddsSnapshot` -> `odds_snapshot`, `HTTPPage` -> `http_page`."""
    return _WORD_START.sub("_", name).lower()


def check_table_name(item_class: type, field: str | None, table: str) -> None:
    """Raise `DeclarationError` for a name that databases refuse or this package reserves."""
    cure = 'choose another with table="..."' if field is None else "rename the field"
    if not _TABLE_NAME.fullmatch(table):
        cure += "; use at most 63 lower-case letters, digits and _, and no digit first"
        refuse(item_class, field, f"has the invalid table name {table!r}", cure)
    if table in SYSTEM_TABLES or table.endswith(VIEW_SUFFIXES) or table.startswith("sqlite_"):
        refuse(item_class, field, f"has the reserved table name {table!r}", cure)


class _Fields:
    """The fields of one class that are stored, under these options."""

    def __init__(self, item_class: type, options: Options, options_of: OptionsOf) -> None:
        self.item_class = item_class
        self.options = options
        self.known = fields_of(item_class) or {}
        stored = {name: f for name, f in self.known.items() if name not in options.exclude}
        self.lists = _lists(stored, options_of)
        """The fields that are child tables, with the class of their rows."""
        self.columns = {name: f for name, f in stored.items() if name not in self.lists}

    @property
    def nested(self) -> Iterator[str]:
        """Those into which a dotted name may lead."""
        yield from self.lists
        yield from (name for name, field in self.columns.items() if field.kind is Kind.JSON)


def _lists(fields: Fields, options_of: OptionsOf) -> dict[str, type]:
    """A list of a class without types is no child table.

    Its rows would be JSON in any case, and to declare `dict` for whole items must not turn every
    `list[dict]` into a table.
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


def _check_generic_rows(fields: _Fields, options_of: OptionsOf) -> None:
    """Raise for a list of a declared class with type arguments: its rows would have no types."""
    for name, field in fields.columns.items():
        declared = None if field.sql_type is not None else generic_member(field.annotation)
        if declared is not None and options_of(declared) is not None:
            cure = (
                f"declare a subclass, as class My{declared.__name__}(...), with @snapshot and list "
                "that, or annotate the list with a JSON type to have it in one column"
            )
            problem = f"is a list of {declared.__name__} with type arguments"
            refuse(fields.item_class, name, f"{problem}, which is no child table", cure)


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


def _children(owner: _Fields, options_of: OptionsOf, parent: _Parent) -> Iterator[ChildTable]:
    index = parent.next_index
    for name, member in owner.lists.items():
        if member in parent.classes:
            cure = f"annotate it with a JSON type, as in Annotated[list[{member.__name__}], JSON]"
            refuse(owner.item_class, name, "makes a recursive child table", cure)
        _check_list_role(owner, name)
        table = f"{parent.table}_{name.lower()}"
        check_table_name(owner.item_class, name, table)
        path = (*parent.path, name)
        options = (options_of(member) or Options()).plus(owner.options.inside(name))
        rows = _Fields(member, options, options_of)
        columns = _child_columns(rows, options_of)
        yield ChildTable(table, path, parent.index, columns, member)
        inner = _Parent(table, path, index, (*parent.classes, member), index + 1)
        nested = tuple(_children(rows, options_of, inner))
        yield from nested
        index += 1 + len(nested)


def _check_list_role(owner: _Fields, name: str) -> None:
    if name in owner.options.key:
        refuse(
            owner.item_class, name, "is a child table and cannot be a key", "choose scalar fields"
        )
    if name in owner.options.untracked:
        cure = "mark fields of its rows untracked, or annotate it with a JSON type"
        refuse(owner.item_class, name, "is a child table and cannot be untracked", cure)


def _child_columns(rows: _Fields, options_of: OptionsOf) -> tuple[Column, ...]:
    columns = _columns(rows, options_of)
    if rows.options.key:
        return columns
    if any(column.name.lower() == "position" for column in columns):
        cure = 'name a key for its rows (perhaps key="position"), or rename the field'
        refuse(rows.item_class, "position", "is reserved in a list without a key", cure)
    return (Column("position", Kind.INTEGER, Role.KEY), *columns)


def _columns(fields: _Fields, options_of: OptionsOf) -> tuple[Column, ...]:
    check_options(fields.item_class, fields.options, fields.known, tuple(fields.nested))
    _check_generic_rows(fields, options_of)
    _check_names(fields.item_class, (*fields.columns, *fields.lists))
    columns = fields.columns.items()
    return tuple(_column(fields.item_class, fields.options, *named) for named in columns)


def _column(item_class: type, options: Options, name: str, field: FieldType) -> Column:
    _check_secrets(item_class, options, name, field)
    if isinstance(field.annotation, Unresolved):
        problem = f"has an annotation that cannot be resolved ({field.annotation.error})"
        cure = (
            "define or import its types at the top of the module, not under TYPE_CHECKING, or "
            f"{_EXCLUDE.format(name)}"
        )
        refuse(item_class, name, problem, cure)
    if field.kind is None:
        cure = f"use {SUPPORTED}, convert the value in the spider, or {_EXCLUDE.format(name)}"
        refuse(item_class, name, "has an unsupported type", cure)
    role, inside = _role(options, name), options.inside(name)
    if role is Role.KEY and field.kind is Kind.JSON:
        refuse(item_class, name, "is nested and cannot be a key", "choose scalar fields")
    storage = _storage(item_class, name, field.kind, field.sql_type)
    return Column(
        name,
        field.kind,
        role,
        field.annotation,
        field.sql_type,
        storage.length,
        storage.precision,
        storage.scale,
        storage.fit,
        inside.untracked,
        inside.exclude,
    )


def _check_secrets(item_class: type, options: Options, name: str, field: FieldType) -> None:
    for inside in secrets_in(field.annotation, fields_of):
        path = f"{name}.{inside}" if inside else name
        if not any(f"{path}.".startswith(f"{each}.") for each in options.exclude):
            cure = _EXCLUDE.format(path)
            refuse(item_class, path, "is a secret, which is not stored", cure)


def _storage(item_class: type, name: str, kind: Kind, sql_type: object) -> Storage:
    try:
        storage = storage_of(kind, sql_type)
    except UnfitTypeError as error:
        refuse(item_class, name, error.problem, error.cure)
    if storage.precision is not None and storage.scale is None:
        cure = f"write Numeric({storage.precision}, <digits after the point>)"
        refuse(item_class, name, "states a precision without a scale", cure)
    return storage


def _role(options: Options, name: str) -> Role:
    if name in options.key:
        return Role.KEY
    return Role.UNTRACKED if name in options.untracked else Role.TRACKED


def _untyped_columns(item_class: type, options: Options) -> Iterator[Column]:
    known = ItemAdapter.get_field_names_from_class(item_class)
    check_options(item_class, options, known, known or ())
    check_label(item_class, options, known)
    stored = (name for name in known or options.key if name not in options.exclude)
    _check_our_names(item_class, stored)
    _check_names(item_class, options.key)
    if "data" in (name.lower() for name in options.key):
        refuse(item_class, "data", "is reserved in a class without types", "rename the field")
    for name in options.key:
        yield Column(name, Kind.TEXT, Role.KEY)
    yield Column(
        "data",
        Kind.JSON,
        Role.TRACKED,
        untracked_paths=options.untracked,
        excluded_paths=options.exclude,
    )


def _check_names(item_class: type, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.lower() in SYSTEM_COLUMNS:
            refuse(item_class, name, "is a reserved column name", _RENAME)
        _check_our_names(item_class, (name,))
        if len(name.encode()) > _NAME_MAX_BYTES:
            refuse(item_class, name, "has a name longer than 63 bytes", _RENAME)
        if name.lower() in seen:
            refuse(item_class, name, "differs from another field only by case", "rename one")
        seen.add(name.lower())


def _check_our_names(item_class: type, names: Iterable[str]) -> None:
    for name in filter(is_ours, names):
        refuse(item_class, name, f"has a name that begins with {PREFIX}, as ours do", _RENAME)
