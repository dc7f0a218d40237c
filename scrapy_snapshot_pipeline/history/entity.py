"""One entity by its key; and where there is none, those with similar keys."""

from __future__ import annotations

import sqlalchemy as sa

from scrapy_snapshot_pipeline.errors import NoSuchEntityError
from scrapy_snapshot_pipeline.history import keys
from scrapy_snapshot_pipeline.history.connection.transactions import Reader
from scrapy_snapshot_pipeline.history.queries import Queries

_NEIGHBOURS = 500
"""On each side, in the order of the index, among which similar keys are looked for."""


def known_entity(reader: Reader, queries: Queries, key: keys.Key) -> bytes:
    """Its id.  Raises HistoryError for a key without sense, NoSuchEntityError for an unknown."""
    declaration = queries.entity.declaration
    wanted = keys.read_key(declaration, key)
    entity = keys.entity_id(declaration, wanted)
    found = sa.select(queries.v.c.entity_id).where(queries.v.c.entity_id == entity).limit(1)
    with reader.reading() as connection:
        if connection.execute(found).first() is not None:
            return entity
        first = next(iter(wanted.values()))
        near = list(queries.neighbours(connection, first, _NEIGHBOURS))
    raise NoSuchEntityError(keys.no_such(declaration, wanted, near))
