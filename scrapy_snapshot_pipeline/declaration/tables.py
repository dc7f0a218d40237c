"""What a declaration results in: tables, columns and what they hold.

Pure: no SQL, no Scrapy.  A SQLAlchemy type in `Annotated[...]` is passed on unread, except for the
limits (`length`, `precision`, `scale`) that capture must enforce.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class Kind(enum.Enum):
    """What a column holds, alike on every database."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    DATETIME = "datetime"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    UUID = "uuid"
    BYTES = "bytes"
    ENUM = "enum"
    """Stored as text: the member's value if that is a string, else its name."""
    JSON = "json"
    """Everything nested that is not a child table; a record holds it as canonical JSON text."""


class Role(enum.Enum):
    """What a change in the column means."""

    KEY = "key"
    """Part of the natural key, or in a child table of the row's key; never None."""
    TRACKED = "tracked"
    """A change makes a new version."""
    UNTRACKED = "untracked"
    """Stored with the version, but never makes one."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    """The name of the item's field, except for the columns `data` and `position`."""
    kind: Kind
    role: Role
    annotation: Any = None
    """The field's type without `Optional` and `Annotated`; None if the class states no type."""
    sql_type: Any = None
    """The SQLAlchemy type (instance or class) from `Annotated[...]`; None if `kind` decides."""
    length: int | None = None
    """Maximum number of characters (TEXT, ENUM) or bytes (BYTES); None for no limit."""
    precision: int | None = None
    """Maximum number of significant digits of a DECIMAL or FLOAT; None for no limit."""
    scale: int | None = None
    """Digits after the point to which capture rounds a DECIMAL or FLOAT, and cuts a TIME; None to
    leave it as scraped."""
    fit: str | None = None
    """How capture else makes a value what the SQL type stores: one of `sql_types.FITS`."""
    untracked_paths: tuple[str, ...] = ()
    """Where a JSON column holds what never makes a new version, as dotted names."""
    excluded_paths: tuple[str, ...] = ()
    """What is left out of a JSON column, as dotted names."""

    @property
    def nullable(self) -> bool:
        """Whether it may hold None: all but key columns may, since optional fields come and go."""
        return self.role is not Role.KEY


SPIDER = Column("snapshot_spider", Kind.TEXT, Role.KEY)
"""Part of the key of a class that is declared `per_spider`: the name of the spider that saw it."""


@dataclass(frozen=True, slots=True)
class ChildTable:
    """The table of one nested list, at any depth."""

    name: str
    """`<root table>_<field>[_<field>...]`."""
    path: tuple[str, ...]
    """Field names from the entity's class down to this list."""
    parent: int | None
    """Index in `Declaration.children` of the enclosing child table; None below the entity."""
    columns: tuple[Column, ...]
    """In field order; a list without a key has a first KEY column `position`, INTEGER from 0."""
    item_class: type

    @property
    def positional(self) -> bool:
        """Whether the rows are identified by their position in the list."""
        return self.columns[0].name == "position" and self.columns[0].annotation is None


@dataclass(frozen=True, slots=True)
class Declaration:
    """One item class and the tables that hold its history."""

    item_class: type
    table: str
    columns: tuple[Column, ...]
    """In field order; an untyped class has its key columns (TEXT) and one JSON column `data`."""
    children: tuple[ChildTable, ...] = ()
    """All child tables, depth first, so that each comes after the one that encloses it."""
    untyped: bool = False
    label: str | None = None
    """The field that people know an entity by, where the key says little; None: the key."""
