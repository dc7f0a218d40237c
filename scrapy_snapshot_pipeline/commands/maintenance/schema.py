"""`scrapy snapshots schema`: what is declared beside what is stored, and what a crawl would do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa
from scrapy.settings import BaseSettings
from sqlalchemy.engine import Engine

from scrapy_snapshot_pipeline.commands.maintenance.load_declarations import load_declarations
from scrapy_snapshot_pipeline.commands.output.terminal_table import Terminal, TerminalTable
from scrapy_snapshot_pipeline.crawl.project import project_settings
from scrapy_snapshot_pipeline.errors import SchemaMismatchError
from scrapy_snapshot_pipeline.evolution.comparison import Compared, compared
from scrapy_snapshot_pipeline.history.results import FlatRow
from scrapy_snapshot_pipeline.settings import SnapshotSettings
from scrapy_snapshot_pipeline.store.connection.checked_transactions import CheckedTransactions
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.schema.ddl import step_statements
from scrapy_snapshot_pipeline.store.schema.plan import Refuse, schema_plan
from scrapy_snapshot_pipeline.store.schema.reflect import stored_schema
from scrapy_snapshot_pipeline.store.schema.stored import StoredSchema
from scrapy_snapshot_pipeline.store.schema.tables import EntityTables, entity_tables


class Schema:
    """Shows columns, or statements; alters nothing."""

    summary = "show what is declared beside what is stored, and what the next crawl would do"
    example = "scrapy snapshots schema --sql"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--sql", action="store_true", help="print the statements instead")

    def run(self, settings: BaseSettings, options: argparse.Namespace) -> int:
        """Raise SchemaMismatchError where a crawl would."""
        ours = project_settings(settings)
        tables = [entity_tables(each, sa.MetaData()) for each in load_declarations(settings, ours)]
        engine = connect_engine(ours.database_url, connect_timeout=ours.connect_timeout)
        try:
            stored = _stored(engine, tables)
        finally:
            engine.dispose()
        steps = schema_plan(
            stored, tables, create=ours.create_tables, evolve=ours.evolution == "additive"
        )
        if options.sql:
            statements = [text for step in steps for text in step_statements(engine.dialect, step)]
            sys.stdout.write("".join(f"{text};\n\n" for text in statements).replace("%%", "%"))
            return 0
        _show(stored, tables)
        for step in steps:
            if isinstance(step, Refuse):
                raise SchemaMismatchError(step.reason)
        sys.stdout.write(_words(len(steps), ours))
        return 0


def _stored(engine: Engine, tables: Sequence[EntityTables]) -> StoredSchema:
    """What is there; of a SQLite file that is not there, nothing, since to look would make it."""
    file = engine.url.database
    if engine.dialect.name == "sqlite" and not (file and Path(file).exists()):
        return StoredSchema()
    with CheckedTransactions(engine).begin() as connection:
        return stored_schema(connection, tables)


def _show(stored: StoredSchema, tables: Sequence[EntityTables]) -> None:
    known = stored.declarations()
    rows = [
        row
        for entity in tables
        for row in compared(known.get(entity.declaration.table), entity.declaration)
    ]
    Terminal(None).write(TerminalTable("", _rows(rows)))


def _rows(rows: Sequence[Compared]) -> Iterator[FlatRow]:
    previous = None
    for row in rows:
        yield {**row._asdict(), "table": "" if row.table == previous else row.table}
        previous = row.table


def _words(steps: int, ours: SnapshotSettings) -> str:
    if not steps:
        return "All is there; the next crawl alters nothing.\n"
    who = "the next crawl" if ours.create_tables else "`scrapy snapshots init`"
    return f"{steps} steps are left for {who}; --sql prints them.\n"
