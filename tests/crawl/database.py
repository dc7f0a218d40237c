"""What is in the database after a crawl, read with plain SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """A connection of the test's own, which commits at the end."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        yield connection


def scalar(url: str, query: str) -> Any:
    """The first column of the first row."""
    with connected(url) as connection:
        return connection.execute(sa.text(query)).scalar()


def column(url: str, query: str) -> list[Any]:
    """The first column of every row."""
    with connected(url) as connection:
        return list(connection.execute(sa.text(query)).scalars())


def run_row(url: str) -> dict[str, Any]:
    """The one row of `snapshot_runs`."""
    with connected(url) as connection:
        return dict(connection.execute(sa.text("SELECT * FROM snapshot_runs")).mappings().one())
