"""What a SQL type in `Annotated` does to the values of a column.

A column stores what was observed.  So a SQL type is taken where it stores values unchanged, and
where it cuts, rounds or pads them in a way that capture can do first, alike on every database and
before values are compared.  Any other type is refused.  Types are recognised by name, since this
module knows no SQL.

=========  ======================================  ===============================================
values     SQL types                               what capture does
=========  ======================================  ===============================================
text       String, Text, Enum and their kin        refuse what is longer
           JSON, as a JSON string
           CHAR, NCHAR                             pad with spaces
integer    BigInteger, Numeric
           Integer, SmallInteger                   refuse what has more than 32, 16 bits
float      Double, Float
           REAL, Float(24) and less                round to the nearest float of 32 bits
           Numeric(p, s)                           round to `s` digits after the point, half up
boolean    Boolean
decimal    Numeric(p, s)                           round to `s` digits after the point, half up
date       Date
time       Time; postgresql.TIME(precision=p)      cut to `p` digits of a second
bytes      LargeBinary and its kin                 refuse what is longer
=========  ======================================  ===============================================

Decimals, datetimes, durations, UUIDs, and enums and JSON that are not in a text column have one
form on every database, whatever SQL type is stated.  A type that is not SQLAlchemy's own, such as
a `TypeDecorator` of the user's, is the user's to know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from scrapy_snapshot_pipeline.declaration.tables import Kind

_Rule: TypeAlias = "Callable[[Any], Storage | None]"
_Rules: TypeAlias = "Mapping[str, _Rule]"

PADDED, SINGLE = "padded", "single"
INTEGER_BITS: Mapping[str, int] = {"small": 16, "regular": 32}
FITS = (PADDED, SINGLE, *INTEGER_BITS)
"""A text is padded with spaces to its length; a float becomes the nearest one of 32 bits; an int is
refused where it has more bits."""

_SINGLE_BITS = 24
"""The precision up to which a Float is one of 32 bits."""


@dataclass(frozen=True, slots=True)
class Storage:
    """What capture has to do; see the attributes of `tables.Column`."""

    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    fit: str | None = None


class UnfitTypeError(Exception):
    """The SQL type stores something else than the values; with problem and cure."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(problem, cure)
        self.problem = problem
        self.cure = cure


def storage_of(kind: Kind, sql_type: Any) -> Storage:
    """What a column of this kind does with its values.  Raises `UnfitTypeError`."""
    if sql_type is None:
        return Storage()
    variants = getattr(sql_type, "_variant_mapping", {}).values()
    found, *others = [_storage(kind, each) for each in (sql_type, *variants)]
    if any(other != found for other in others):
        raise UnfitTypeError(
            "has a SQL type that stores other values on one database than on another",
            "give all its variants the same limits",
        )
    return found


def is_sql_type(candidate: Any) -> bool:
    """Whether it is a type of SQLAlchemy, an instance or a class."""
    return "TypeEngine" in _names(candidate)


def limit(sql_type: Any, name: str) -> int | None:
    """A length, precision or scale that the type states."""
    stated = getattr(sql_type, name, None)
    return stated if isinstance(stated, int) else None


def _storage(kind: Kind, sql_type: Any) -> Storage:
    rules = _RULES.get(kind, {})
    if not _class_of(sql_type).__module__.startswith("sqlalchemy."):
        return _OWN[kind](sql_type) if kind in _OWN else Storage()
    if "DOMAIN" in _names(sql_type):
        return _storage(kind, sql_type.data_type)
    rule = next((rules[name] for name in _names(sql_type) if name in rules), None)
    if rule is None and kind not in _SERVING:
        return Storage()
    storage = rule(sql_type) if rule is not None else None
    if storage is None:
        raise UnfitTypeError(
            f"has the SQL type {_names(sql_type)[0]}, which may store another value than the "
            f"{kind.value} that was observed",
            f"use {_SERVING[kind]}, or leave the SQL type out",
        )
    return storage


def _class_of(sql_type: Any) -> type:
    return sql_type if isinstance(sql_type, type) else type(sql_type)


def _names(sql_type: Any) -> list[str]:
    return [base.__name__ for base in _class_of(sql_type).__mro__]


def _unchanged(_: Any) -> Storage:
    return Storage()


def _limited(sql_type: Any) -> Storage:
    return Storage(length=limit(sql_type, "length"))


def _padded(sql_type: Any) -> Storage:
    return Storage(length=limit(sql_type, "length") or 1, fit=PADDED)


def _rounded(sql_type: Any) -> Storage:
    return Storage(precision=limit(sql_type, "precision"), scale=limit(sql_type, "scale"))


def _binary(sql_type: Any) -> Storage:
    bits = limit(sql_type, "precision")
    return _single(sql_type) if bits is not None and bits <= _SINGLE_BITS else Storage()


def _single(_: Any) -> Storage:
    return Storage(fit=SINGLE)


def _bits(fit: str) -> _Rule:
    return lambda _: Storage(fit=fit)


def _cut(sql_type: Any) -> Storage | None:
    zoned = getattr(sql_type, "timezone", False)
    return None if zoned else Storage(scale=limit(sql_type, "precision"))


def _unfit(_: Any) -> None:
    return None


_TEXTS: _Rules = {"CHAR": _padded, "NCHAR": _padded, "String": _limited}
_RULES: Mapping[Kind, _Rules] = {
    Kind.TEXT: {"Enum": _limited, "JSON": _unchanged, **_TEXTS},
    Kind.ENUM: {"Enum": _unchanged, **_TEXTS},
    Kind.INTEGER: {
        "SmallInteger": _bits("small"),
        "BigInteger": _unchanged,
        "Integer": _bits("regular"),
        "Float": _unfit,
        "Numeric": _unchanged,
    },
    Kind.FLOAT: {"REAL": _single, "Double": _unchanged, "Float": _binary, "Numeric": _rounded},
    Kind.DECIMAL: {"Float": _rounded, "Numeric": _rounded},
    Kind.BOOLEAN: {"Boolean": _unchanged},
    Kind.DATE: {"Date": _unchanged},
    Kind.TIME: {"Time": _cut},
    Kind.BYTES: {"_Binary": _limited},
}
"""By the name of a SQLAlchemy class; the nearest base of a type counts.  None: it is refused."""
_OWN: Mapping[Kind, Callable[[Any], Storage]] = {
    Kind.TEXT: _limited,
    Kind.ENUM: _limited,
    Kind.BYTES: _limited,
    Kind.DECIMAL: _rounded,
}
"""For types that are not SQLAlchemy's."""
_SERVING: Mapping[Kind, str] = {
    Kind.TEXT: "String or Text",
    Kind.INTEGER: "BigInteger",
    Kind.FLOAT: "Double",
    Kind.BOOLEAN: "Boolean",
    Kind.DATE: "Date",
    Kind.TIME: "Time() without a zone",
    Kind.BYTES: "LargeBinary",
}
"""The type to use instead of one that is refused; of other kinds none is."""
