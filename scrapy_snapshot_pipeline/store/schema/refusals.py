"""Why a crawl must not write into the tables that are there.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from scrapy_snapshot_pipeline.declaration.differences import differences
from scrapy_snapshot_pipeline.declaration.tables import ChildTable, Declaration
from scrapy_snapshot_pipeline.evolution.rules import refused_changes
from scrapy_snapshot_pipeline.safe_text import printable
from scrapy_snapshot_pipeline.store.schema.evolution import evolution_of, with_shape
from scrapy_snapshot_pipeline.store.schema.stored import (
    StoredSchema,
    column_names,
    lacking_columns,
    lacking_shape_columns,
    missing_tables,
)
from scrapy_snapshot_pipeline.store.schema.tables import (
    SCHEMA_VERSION,
    SHAPE_COLUMNS,
    SYSTEM,
    EntityTables,
    entity_tables,
)


def reasons_to_refuse(
    stored: StoredSchema, declared: Sequence[EntityTables], *, create: bool, evolve: bool
) -> Iterator[str]:
    """The first one counts: the later ones may only follow from it."""
    yield from _newer_versions(stored)
    yield from names_of_the_database(stored.own_columns, declared)
    yield from _unfit_system_tables(stored)
    yield from _other_schema(stored)
    known = stored.declarations()
    for declaration in (entity.declaration for entity in declared):
        if declaration.table in known:
            yield from _refused_changes(known[declaration.table], declaration)
    for entity in declared:
        yield from _other_columns(stored, entity)
        yield from _new_shape(stored, entity.declaration, create=create, evolve=evolve)
    yield from _old_tables(stored, declared, create=create)
    missing = missing_tables(stored, declared)
    if missing and not create:
        names = ", ".join(table.name for table in missing)
        yield (
            f"the database lacks the table(s) {names}, and SNAPSHOT_CREATE_TABLES is off; create "
            "them with `scrapy snapshots init` under a role that may, or from "
            "`scrapy snapshots init --sql`"
        )
    shaped = [table for entity in declared for table in with_shape(stored, entity).all]
    evolutions = (evolution_of(stored, entity.declaration) for entity in declared)
    grown = [table for each in evolutions if each is not None for table in each.tables.all]
    yield from _too_wide(stored, [*(t for t in shaped if t.name not in stored.tables), *grown])


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


def _old_tables(
    stored: StoredSchema, declared: Sequence[EntityTables], *, create: bool
) -> Iterator[str]:
    lacking = frozenset(
        column.name
        for column in (*lacking_columns(stored), *lacking_shape_columns(stored, declared))
    )
    if lacking and not create:
        yield (
            f"the tables are those of an older release and lack {_listed(lacking)}, and "
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


def _other_columns(stored: StoredSchema, declared: EntityTables) -> Iterator[str]:
    """Where somebody has altered a table by hand.  A column of theirs that may be NULL is no harm.

    What the catalogue does not know was created for the declaration.
    """
    known = stored.declarations().get(declared.declaration.table)
    holds = declared if known is None else entity_tables(known, sa.MetaData())
    evolution = evolution_of(stored, declared.declaration)
    after = declared if evolution is None else evolution.tables
    written = {table.name: column_names(table) for table in after.all}
    for table in holds.all:
        if table.name not in stored.columns:
            continue
        ours = column_names(table) | written.get(table.name, frozenset()) | {*SHAPE_COLUMNS}
        lacking = column_names(table) - stored.columns[table.name] - {*SHAPE_COLUMNS}
        theirs = stored.columns[table.name] - ours
        required = stored.required.get(table.name, frozenset()) - ours
        faults = [f"lacks {_listed(lacking)}"] if lacking else []
        if required:
            faults.append(f"also has {_listed(required)}, which must not be NULL")
        elif lacking and theirs:
            faults.append(f"also has {_listed(theirs)}")
        if faults and known is None:
            yield (
                f"table {table.name} is there with other columns: it {' and '.join(faults)}; give "
                'the class another table with table="..."'
            )
        elif faults:
            yield (
                f"table {table.name} was altered by hand: it {' and '.join(faults)}; add what was "
                "removed and give a default to what was added, or give the class another table "
                'with table="..."'
            )


def _new_shape(
    stored: StoredSchema, declared: Declaration, *, create: bool, evolve: bool
) -> Iterator[str]:
    """A class that has changed, where the tables may not change with it."""
    evolution = evolution_of(stored, declared)
    if evolution is None or (create and evolve):
        return
    changes = "; ".join(each.text for each in differences(evolution.before, declared))
    setting = "SNAPSHOT_CREATE_TABLES is off" if evolve else 'SNAPSHOT_EVOLUTION is "frozen"'
    cure = (
        "bring the tables up with `scrapy snapshots init` under a role that may"
        if evolve
        else 'restore the declaration, or set SNAPSHOT_EVOLUTION = "additive"'
    )
    yield f"table {declared.table}: {changes}; {setting}, so {cure}"


def _too_wide(stored: StoredSchema, tables: Sequence[sa.Table]) -> Iterator[str]:
    limit = stored.max_columns
    for table in tables:
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


def _refused_changes(stored: Declaration, declared: Declaration) -> Iterator[str]:
    found = refused_changes(stored, declared)
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
