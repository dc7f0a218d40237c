"""What a declaration comes to: tables, columns and what they hold.

Pure: no SQL, no Scrapy.  A SQLAlchemy type in `Annotated[...]` is carried along unread, except
for the limits (`length`, `precision`, `scale`) that capture must enforce.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class Kind(enum.Enum):
    """What a column holds, on every database alike."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    DATETIME = "datetime"
    DATE = "date"
    TIME = "time"
    UUID = "uuid"
    BYTES = "bytes"
    ENUM = "enum"
    """Stored as text: the member's value where that is a string, else its name."""
    JSON = "json"
    """Everything nested that is no child table; in a record it is its canonical JSON text."""


class Role(enum.Enum):
    """What a change of the column means."""

    KEY = "key"
    """Part of the natural key (in a child: of the child's key); never None."""
    TRACKED = "tracked"
    """A change makes a new version."""
    UNTRACKED = "untracked"
    """Stored with the version, but never makes one."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    """Column name; the same as the item's field, except `data` and `position`."""
    kind: Kind
    role: Role
    annotation: Any = None
    """The field's type without `Optional` and `Annotated`; None where the class states none."""
    sql_type: Any = None
    """The SQLAlchemy type (instance or class) from `Annotated[...]`; None: by `kind`."""
    length: int | None = None
    """Most characters (TEXT) or bytes (BYTES); None: no limit."""
    precision: int | None = None
    """Most significant digits of a DECIMAL; None: no limit."""
    scale: int | None = None
    """Digits after the point of a DECIMAL, to which capture rounds; None: as scraped."""

    @property
    def nullable(self) -> bool:
        """Every column but those of the key may hold None: optional fields come and go."""
        return self.role is not Role.KEY


@dataclass(frozen=True, slots=True)
class ChildTable:
    """The table of one nested list, at any depth."""

    name: str
    """`<root table>_<field>[_<field>...]`."""
    path: tuple[str, ...]
    """Field names from the entity's class down to this list."""
    parent: int | None
    """Index in `Declaration.children` of the enclosing child table; None: the entity itself."""
    columns: tuple[Column, ...]
    """In field order; a list without a key has a first KEY column `position` (INTEGER, from 0)."""
    item_class: type

    @property
    def positional(self) -> bool:
        """Whether the rows are known by their place in the list."""
        return self.columns[0].name == "position" and self.columns[0].annotation is None


@dataclass(frozen=True, slots=True)
class Declaration:
    """One item class and the tables that its history lives in."""

    item_class: type
    table: str
    columns: tuple[Column, ...]
    """In field order; an untyped class has its key columns (TEXT) and one JSON column `data`."""
    children: tuple[ChildTable, ...] = ()
    """Flattened depth first, a table always after the one that encloses it."""
    untyped: bool = False
    untracked_data: frozenset[str] = frozenset()
    """Fields inside `data` of an untyped class that are stored but never make a version."""
