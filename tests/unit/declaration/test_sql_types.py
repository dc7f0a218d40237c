"""Which SQL types store what was observed, which can be helped, and which are refused."""

from __future__ import annotations

from dataclasses import dataclass, make_dataclass
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from scrapy_snapshot_pipeline.declaration.options import Options
from scrapy_snapshot_pipeline.declaration.resolve import resolve
from scrapy_snapshot_pipeline.declaration.sql_types import PADDED, SINGLE, Storage, storage_of
from scrapy_snapshot_pipeline.declaration.tables import Kind
from scrapy_snapshot_pipeline.errors import DeclarationError


class Own(sa.types.TypeDecorator[int]):
    """A type of the user's."""

    impl = sa.Date
    cache_ok = True


@pytest.mark.parametrize(
    ("kind", "sql_type", "storage"),
    [
        (Kind.TEXT, sa.String(9), Storage(length=9)),
        (Kind.TEXT, postgresql.CITEXT(), Storage()),
        (Kind.TEXT, sa.NCHAR(4), Storage(length=4, fit=PADDED)),
        (Kind.TEXT, sa.CHAR, Storage(length=1, fit=PADDED)),
        (Kind.TEXT, sa.Enum("a", "bc"), Storage(length=2)),
        (Kind.TEXT, postgresql.DOMAIN("zip", sa.CHAR(5)), Storage(length=5, fit=PADDED)),
        (Kind.INTEGER, sa.SmallInteger(), Storage(fit="small")),
        (Kind.INTEGER, sa.Integer(), Storage(fit="regular")),
        (Kind.INTEGER, sa.BigInteger(), Storage()),
        (Kind.INTEGER, sa.Numeric(20), Storage()),
        (Kind.INTEGER, Own(), Storage()),
        (Kind.FLOAT, sa.Double(), Storage()),
        (Kind.FLOAT, postgresql.DOUBLE_PRECISION(53), Storage()),
        (Kind.FLOAT, sa.Float(), Storage()),
        (Kind.FLOAT, sa.Float(24), Storage(fit=SINGLE)),
        (Kind.FLOAT, sa.REAL, Storage(fit=SINGLE)),
        (Kind.FLOAT, sa.DECIMAL(10, 2), Storage(precision=10, scale=2)),
        (Kind.DECIMAL, sa.Numeric(10, 2), Storage(precision=10, scale=2)),
        (Kind.TIME, postgresql.TIME(precision=2), Storage(scale=2)),
        (Kind.BYTES, sa.LargeBinary(9), Storage(length=9)),
        (Kind.BYTES, postgresql.BYTEA, Storage()),
        (Kind.ENUM, sa.Enum("a"), Storage()),
        (Kind.DATETIME, sa.Date(), Storage()),
        (Kind.JSON, sa.String(3), Storage()),
        (Kind.TEXT, None, Storage()),
        (Kind.TEXT, sa.String(3).with_variant(postgresql.VARCHAR(3), "postgresql"), Storage(3)),
    ],
    ids=str,
)
def test_what_capture_does_is_known_by_the_type(
    kind: Kind, sql_type: object, storage: Storage
) -> None:
    """An instance or a class, and a type of the user's own is trusted."""
    assert storage_of(kind, sql_type) == storage


@pytest.mark.parametrize(
    ("annotation", "serves"),
    [
        (Annotated[date, sa.DateTime()], "date that was observed; use Date"),
        (Annotated[time, sa.Time(timezone=True)], "use Time() without a zone"),
        (Annotated[int, sa.Float()], "use BigInteger"),
        (Annotated[int, sa.Double()], "use BigInteger"),
        (Annotated[int, sa.String()], "use BigInteger"),
        (Annotated[float, sa.Integer()], "use Double"),
        (Annotated[bool, sa.SmallInteger()], "use Boolean"),
        (Annotated[str, sa.Uuid()], "use String or Text"),
        (Annotated[str, postgresql.INET()], "use String or Text"),
        (Annotated[str | None, sa.PickleType()], "use String or Text"),
        (Annotated[bytes, sa.Text()], "use LargeBinary"),
        (Annotated[float, sa.Numeric(5)], "write Numeric(5, <digits after the point>)"),
        (
            Annotated[str, sa.String(3).with_variant(sa.CHAR(3), "postgresql")],
            "give all its variants the same limits",
        ),
        (
            Annotated[int, sa.BigInteger().with_variant(sa.REAL(), "sqlite")],
            "has the SQL type REAL, which may store another value",
        ),
        (Annotated[Decimal, sa.Numeric(9)], "write Numeric(9, <digits after the point>)"),
    ],
    ids=str,
)
def test_a_type_that_stores_something_else_is_refused(annotation: Any, serves: str) -> None:
    """With the field, and the type that serves."""
    page = make_dataclass("Page", [("url", str), ("x", annotation)])
    with pytest.raises(DeclarationError) as caught:
        resolve(page, {page: Options(("url",))}.get)
    assert str(caught.value).startswith("Page.x ")
    assert serves in str(caught.value)


@dataclass
class Inner:
    """Nested as JSON, where a SQL type says nothing."""

    x: Annotated[float, sa.Integer()] = 0.5


def test_inside_json_no_column_has_the_type() -> None:
    """So nothing is refused there."""
    page = make_dataclass("Page", [("url", str), ("x", dict[str, Inner])])
    assert resolve(page, {page: Options(("url",))}.get).columns[1].kind is Kind.JSON
