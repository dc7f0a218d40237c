"""Why a crawl must not write into the tables that are there.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from scrapy_snapshot_pipeline.declaration.differences import differences
from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Declaration
from scrapy_snapshot_pipeline.safe_text import printable
from scrapy_snapshot_pipeline.store.schema.stored import (
    StoredSchema,
    column_names,
    lacking_columns,
    missing_tables,
)
from scrapy_snapshot_pipeline.store.schema.tables import SCHEMA_VERSION, SYSTEM, EntityTables


def reasons_to_refuse(
    stored: StoredSchema, declared: Sequence[EntityTables], *, create: bool
) -> Iterator[str]:
    """The first one counts: the later ones may only follow from it."""
    yield from _newer_versions(stored)
    yield from names_of_the_database(stored.own_columns, declared)
    yield from _unfit_system_tables(stored)
    yield from _other_schema(stored)
    known = stored.declarations()
    for declaration in (entity.declaration for entity in declared):
        if declaration.table in known:
            yield from _other_declaration(known[declaration.table], declaration)
    there = [t for entity in declared for t in entity.all if t.name in stored.tables]
    yield from _other_columns(stored, there)
    yield from _old_system_tables(stored, create=create)
    missing = missing_tables(stored, declared)
    if missing and not create:
        names = ", ".join(table.name for table in missing)
        yield (
            f"the database lacks the table(s) {names}, and SNAPSHOT_CREATE_TABLES is off; create "
            "them with `scrapy snapshots init` under a role that may, or from "
            "`scrapy snapshots init --sql`"
        )
    yield from _too_wide(stored, missing)


def names_of_the_database(
    own_columns: frozenset[str], declared: Iterable[EntityTables]
) -> Iterator[str]:
    """What is wrong with fields that are called as a column of the database's own."""
    for declaration in (entity.declaration for entity in declared):
        tables: list[Declaration | ChildTable] = [declaration, *declaration.children]
        for table in tables:
            for name in sorted({column.name for column in table.columns} & own_columns):
                yield (
                    f"{table.item_class.__qualname__}.{name} cannot be stored: the database has a "
                    f"column {name} of its own in every table; rename the field, or leave it out "
                    f'with exclude=("{name}",)'
                )


def _newer_versions(stored: StoredSchema) -> Iterator[str]:
    for name, entry in sorted(stored.catalogue.items()):
        if entry.version > SCHEMA_VERSION:
            yield (
                f"table {name} was created in version {entry.version} of the schema, and this "
                f"release of scrapy-snapshot-pipeline writes version {SCHEMA_VERSION}; upgrade it, "
                "or use another database"
            )


def _old_system_tables(stored: StoredSchema, *, create: bool) -> Iterator[str]:
    lacking = frozenset(column.name for column in lacking_columns(stored))
    if lacking and not create:
        yield (
            f"the system tables are those of an older release and lack {_listed(lacking)}, and "
            "SNAPSHOT_CREATE_TABLES is off; run `scrapy snapshots init` under a role that may "
            "alter them"
        )


def _unfit_system_tables(stored: StoredSchema) -> Iterator[str]:
    for table in SYSTEM.sorted_tables:
        required = frozenset(column.name for column in table.columns if not column.nullable)
        lacking = required - stored.columns.get(table.name, required)
        if lacking:
            yield (
                f"table {table.name} is there, but lacks {_listed(lacking)}; add what was removed "
                "from it, or use another database"
            )


def _other_columns(stored: StoredSchema, there: Sequence[sa.Table]) -> Iterator[str]:
    for table in there:
        names, found = column_names(table), stored.columns[table.name]
        faults = [f"lacks {_listed(names - found)}"] if names - found else []
        if found - names:
            faults.append(f"also has {_listed(found - names)}")
        if faults:
            yield (
                f"table {table.name} is there with other columns: it {' and '.join(faults)}; "
                'restore the declaration, or give it another table with table="..."'
            )


def _too_wide(stored: StoredSchema, missing: Sequence[sa.Table]) -> Iterator[str]:
    limit = stored.max_columns
    for table in missing:
        if limit is not None and len(table.columns) > limit:
            yield (
                f"table {table.name} would have {len(table.columns):,} columns, our own among "
                f"them, and the database takes {limit:,} in a table; put some of the fields into "
                "one field of type dict, which is one column"
            )


def _other_schema(stored: StoredSchema) -> Iterator[str]:
    if stored.other_schema is not None:
        yield (
            "the snapshot tables that the search_path finds are in schema "
            f"{printable(stored.other_schema)}, and new ones would be created in another, which "
            "comes before it; put that schema first in the search_path of SNAPSHOT_DATABASE_URL "
            "or of the role, or leave the other out"
        )


def _other_declaration(stored: Declaration, declared: Declaration) -> Iterator[str]:
    found = differences(stored, declared)
    if found:
        tables = dict.fromkeys(each.table for each in found)
        texts = (
            f"table {table}: {'; '.join(each.text for each in found if each.table == table)}"
            for table in tables
        )
        yield (
            f"{'; '.join(texts)}; restore the declaration of {declared.item_class.__qualname__}, "
            'or give it another table with table="..."'
        )


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
