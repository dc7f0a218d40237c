from __future__ import annotations

from collections.abc import Mapping

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.store.connection.address import address

PG = "postgresql+psycopg2://"


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("sqlite:////data/shop.db", {}, "the SQLite file /data/shop.db"),
        ("sqlite://", {}, "a new database"),
        (f"{PG}u:secret@db.example/shop", {}, "the database shop on db.example, port 5432"),
        (f"{PG}u@db:6432/shop?sslmode=require", {}, "the database shop on db, port 6432"),
        (f"{PG}/shop?host=a&host=b&port=1", {}, "the database shop on a, b, port 1"),
        (
            PG,
            {"PGHOST": "h", "PGPORT": "7", "PGDATABASE": "d"},
            "the database d on h, port 7",
        ),
        (f"{PG}u@/", {}, "the database u on the local socket, port 5432"),
    ],
)
def test_where_a_database_is(url: str, environ: Mapping[str, str], expected: str) -> None:
    """Named by the URL, or by libpq's environment; without user, password and options."""
    assert address(sa.make_url(url), environ) == expected
