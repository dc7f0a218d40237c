"""`scrapy snapshots init`: create the tables before a crawl, under a role that may do so."""

from __future__ import annotations

import argparse
import sys

import sqlalchemy as sa
from scrapy.settings import BaseSettings

from scrapy_snapshot_pipeline.commands.maintenance.load_declarations import load_declarations
from scrapy_snapshot_pipeline.crawl.project import project_settings
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.schema.ddl import ddl
from scrapy_snapshot_pipeline.store.schema.tables import SYSTEM, entity_tables
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore


class Init:
    """Creates the tables of every class that the project's spiders use."""

    summary = "create the tables, or print the SQL that does"
    example = "scrapy snapshots init --sql"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--sql", action="store_true", help="print the DDL, touch no database")

    def run(self, settings: BaseSettings, options: argparse.Namespace) -> int:
        ours = project_settings(settings)
        declarations = load_declarations(settings, ours)
        engine = connect_engine(ours.database_url, connect_timeout=ours.connect_timeout)
        if options.sql:
            metadata = sa.MetaData()
            tables = [entity_tables(declaration, metadata) for declaration in declarations]
            sys.stdout.write(ddl(engine.dialect, tables))
            return 0
        store = SnapshotStore(engine)
        try:
            store.declare(declarations)
        finally:
            store.close()
        _list_tables(declarations)
        return 0


def _list_tables(declarations: tuple[Declaration, ...]) -> None:
    names = [table.name for table in SYSTEM.sorted_tables]
    for declaration in declarations:
        names += [declaration.table, *(child.name for child in declaration.children)]
    sys.stdout.write(f"{len(names)} tables are there: {', '.join(names)}\n")
