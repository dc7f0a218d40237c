"""What is stored where: the tables of entities, as the database itself describes them."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.declaration import catalog
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.connection.transactions import Reader
from scrapy_snapshot_pipeline.history.numeric.paths import numeric_paths, untracked_paths
from scrapy_snapshot_pipeline.history.queries import Queries
from scrapy_snapshot_pipeline.history.results import TableInfo
from scrapy_snapshot_pipeline.history.shapes import Shapes, UsedShape
from scrapy_snapshot_pipeline.safe_text import printable
from scrapy_snapshot_pipeline.store.normal_form.catalogue import NORMAL_FORM_VERSION
from scrapy_snapshot_pipeline.store.schema.reflect import other_schema
from scrapy_snapshot_pipeline.store.schema.tables import (
    FIRST_SHAPE,
    SCHEMA,
    SCHEMA_VERSION,
    SHAPES,
    SYSTEM,
    entity_tables,
)


def learn(reader: Reader) -> dict[str, Queries]:
    """By table name.  Raises HistoryError for no history, or for one of a newer version."""
    reader.names.add(SYSTEM.sorted_tables)
    with reader.reading() as connection:
        rows = connection.execute(sa.select(SCHEMA)).all()
        elsewhere = other_schema(connection)
        shapes = _shapes(connection)
    if elsewhere is not None:
        raise HistoryError(
            f"the search_path finds the snapshot tables in schema {printable(elsewhere)}, which is "
            "not its first one; put that schema first, or leave it out"
        )
    newer = [row for row in rows if row.version > SCHEMA_VERSION]
    if newer:
        raise HistoryError(
            f"table {newer[0].table_name} is of version {newer[0].version} of the schema, and this "
            f"release of scrapy-snapshot-pipeline reads version {SCHEMA_VERSION}; upgrade it"
        )
    metadata = sa.MetaData()
    texts = {row.table_name: row.columns for row in rows if row.table_name not in SYSTEM.tables}
    normal = {row.table_name for row in rows if row.version >= NORMAL_FORM_VERSION}
    entities = [
        entity_tables(d, metadata, FIRST_SHAPE if d.table in shapes else None)
        for d in catalog.declarations(texts)
    ]
    reader.names.add(metadata.sorted_tables)
    return {
        each.declaration.table: Queries(
            each,
            normal_form=each.declaration.table in normal,
            shapes=shapes.get(each.declaration.table),
        )
        for each in entities
    }


def _shapes(connection: Connection) -> dict[str, Shapes]:
    """By the entity's table; those of classes that have changed."""
    if not sa.inspect(connection).has_table(SHAPES.name):
        return {}
    used: defaultdict[str, list[UsedShape]] = defaultdict(list)
    for row in connection.execute(sa.select(SHAPES)):
        shape = UsedShape(row.shape, catalog.shape_declaration(row.declaration), row.last_used_at)
        used[row.table_name].append(shape)
    return {table: Shapes(of_table) for table, of_table in used.items()}


def table_info(queries: Queries) -> TableInfo:
    """A table as it is described to the caller."""
    declaration = queries.entity.declaration
    return TableInfo(
        name=declaration.table,
        key=queries.own.key_names,
        fields=tuple(c.name for c in declaration.columns),
        children=tuple(".".join(child.path) for child in declaration.children),
        numeric=numeric_paths(declaration),
        untracked=untracked_paths(declaration),
        untyped=declaration.untyped,
        label=declaration.label,
    )
