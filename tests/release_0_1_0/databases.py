"""Loads the databases and the answers of release 0.1.0."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import psycopg2
import sqlalchemy as sa

FOLDER = Path(__file__).resolve().parent
LETTERS = FOLDER / "letters.jl"
"""Dead letters that release 0.1.0 wrote and nobody has replayed."""


def load(url: str) -> None:
    """Fill an empty database with what release 0.1.0 had stored."""
    address = sa.make_url(url)
    if address.get_backend_name() == "sqlite":
        _load_sqlite(str(address.database))
    else:
        _load_postgresql(address)


def answers(url: str) -> dict[str, list[Any]]:
    """What its commands answered from this kind of database, by the name of the question."""
    kind = sa.make_url(url).get_backend_name()
    found: dict[str, list[Any]] = json.loads((FOLDER / f"{kind}.answers.json").read_text("utf-8"))
    return found


def _load_sqlite(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript((FOLDER / "sqlite.sql").read_text("utf-8"))
    connection.close()


def _load_postgresql(address: sa.URL) -> None:
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg2.connect(plain)
    with connection, connection.cursor() as cursor:
        cursor.execute((FOLDER / "postgresql.sql").read_text("utf-8"))
    connection.close()
