"""The plan that makes a database fit for what is declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, make_dataclass, replace
from typing import TypeVar

import pytest
import sqlalchemy as sa
from sqlalchemy.schema import CreateTable as CreateTableStatement

from scrapy_snapshot_pipeline.declaration.catalog import describe
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.tables import Kind, Role
from scrapy_snapshot_pipeline.store.schema.plan import (
    AddColumn,
    CreateTable,
    MakeView,
    Record,
    Refuse,
    SetStorage,
    Step,
    schema_plan,
)
from scrapy_snapshot_pipeline.store.schema.stored import SYSTEM_ENTRY, CatalogueEntry, StoredSchema
from scrapy_snapshot_pipeline.store.schema.tables import (
    SCHEMA_VERSION,
    SHAPE_COLUMNS,
    SYSTEM,
    EntityTables,
    StoredShape,
    entity_tables,
)
from scrapy_snapshot_pipeline.store.schema.views import entity_views


@snapshot(key="size")
@dataclass
class Variant:
    """A row of the child table."""

    size: str
    price: int


@snapshot(key="sku")
@dataclass
class Offer:
    """What is declared."""

    sku: str
    title: str
    variants: list[Variant]


def _tables_of(item_class: type) -> EntityTables:
    declaration = Declarations().of(item_class)
    assert declaration is not None
    return entity_tables(declaration, sa.MetaData(), StoredShape(1, {1: declaration}))


OFFER = _tables_of(Offer)
SYSTEM_TABLES = list(SYSTEM.sorted_tables)
SYSTEM_RECORD = Record(SYSTEM_ENTRY, CatalogueEntry(SCHEMA_VERSION, "{}"))
TEXTS = describe(OFFER.declaration)
VIEWS = [view.name for view in entity_views(OFFER)]


def stored(*, without: Sequence[str] = ()) -> StoredSchema:
    """The database after a crawl; some tables may have been dropped since, not their rows."""
    tables = [t for t in (*SYSTEM_TABLES, *OFFER.all) if t.name not in without]
    texts = describe(OFFER.declaration)
    return StoredSchema(
        tables=frozenset(table.name for table in tables),
        columns={t.name: frozenset(c.name for c in t.columns) for t in tables},
        views=frozenset(VIEWS),
        catalogue={name: CatalogueEntry(SCHEMA_VERSION, text) for name, text in texts.items()}
        | {SYSTEM_ENTRY: SYSTEM_RECORD.entry},
    )


def with_columns(table: str, *columns: str, removed: str = "") -> StoredSchema:
    """The same, where somebody altered a table."""
    known = stored()
    altered = (known.columns[table] | set(columns)) - {removed}
    return replace(known, columns={**known.columns, table: altered})


S = TypeVar("S", bound=Step)


def only(plan: Sequence[Step], kind: type[S]) -> list[S]:
    """The steps of one kind."""
    return [step for step in plan if isinstance(step, kind)]


def as_text(table: sa.Table) -> str:
    """The statement that makes it."""
    return str(CreateTableStatement(table))


def reason(plan: Sequence[Step]) -> str:
    """Why a plan refuses, which must be all that it does."""
    [step] = plan
    assert isinstance(step, Refuse)
    return step.reason


def test_an_empty_database_gets_everything_parents_first() -> None:
    """Tables before the views on them, and the catalogue when they are there."""
    plan = schema_plan(StoredSchema(), [OFFER])
    texts = describe(OFFER.declaration)
    assert plan == [
        *only(plan, CreateTable),
        *only(plan, SetStorage),
        *(MakeView(step.view, replace=False) for step in only(plan, MakeView)),
        *(Record(t, CatalogueEntry(SCHEMA_VERSION, texts[t])) for t in sorted(texts)),
        SYSTEM_RECORD,
    ]
    assert [as_text(step.table) for step in only(plan, CreateTable)] == [
        as_text(table) for table in (*SYSTEM_TABLES, *OFFER.all)
    ]
    assert [as_text(step.entity.versions) for step in only(plan, SetStorage)] == [
        as_text(OFFER.versions)
    ]
    assert [step.view.name for step in only(plan, MakeView)] == VIEWS
    assert len(VIEWS) == 2 * len(OFFER.all)


def test_where_all_is_there_nothing_is_done() -> None:
    """The second crawl, whether or not it may create tables."""
    assert schema_plan(stored(), [OFFER]) == []
    assert schema_plan(stored(), [OFFER], create=False) == []


def test_a_child_table_alone_is_created_and_recorded() -> None:
    """Without views: whoever dropped it may not have the right to make them again."""
    [child] = OFFER.children
    plan = schema_plan(stored(without=[child.name]), [OFFER])
    text = describe(OFFER.declaration)[child.name]
    entry = CatalogueEntry(SCHEMA_VERSION, text)
    [made] = only(plan, CreateTable)
    assert as_text(made.table) == as_text(child)
    assert plan == [made, Record(child.name, entry, replace=True)]


def test_a_view_of_the_same_name_is_replaced() -> None:
    """It belongs to a table that is gone."""
    names = [table.name for table in OFFER.all]
    known = replace(stored(without=names), views=frozenset(VIEWS[:1]))
    made = only(schema_plan(known, [OFFER]), MakeView)
    assert [(step.view.name, step.replace) for step in made] == [
        (name, name == VIEWS[0]) for name in VIEWS
    ]


def test_a_view_gives_way_to_a_table_of_its_name() -> None:
    """To one that is there, whoever made it."""
    plan = schema_plan(StoredSchema(tables=frozenset(VIEWS[:1])), [OFFER])
    assert [step.view.name for step in only(plan, MakeView)] == VIEWS[1:]


def test_missing_tables_are_refused_by_name_where_none_may_be_created() -> None:
    """With the command that creates them."""
    known = stored(without=[OFFER.children[0].name])
    text = reason(schema_plan(known, [OFFER], create=False))
    assert text.startswith(f"the database lacks the table(s) {OFFER.children[0].name}, ")
    assert "scrapy snapshots init" in text


def test_other_columns_are_refused_by_name() -> None:
    """Too few and too many, also where other tables would have to be created."""
    known = with_columns("offer", "cost", "colour", removed="title")
    text = "table offer was altered by hand: it lacks title and also has colour, cost; "
    assert reason(schema_plan(known, [OFFER])).startswith(text)
    before = replace(known, tables=known.tables - {OFFER.children[0].name})
    assert "also has colour, cost" in reason(schema_plan(before, [OFFER]))
    more = with_columns("offer", "cost", "colour")
    assert schema_plan(more, [OFFER]) == []
    required = replace(more, required={"offer": frozenset({"cost", "sku"})})
    assert "also has cost, which must not be NULL" in reason(schema_plan(required, [OFFER]))


@pytest.mark.parametrize("table", [table.name for table in SYSTEM_TABLES])
def test_a_system_table_must_have_what_we_write(table: str) -> None:
    """What else it has is no concern of ours."""
    lost = next(column.name for t in SYSTEM_TABLES if t.name == table for column in t.columns)
    text = reason(schema_plan(with_columns(table, removed=lost), [OFFER]))
    assert f"table {table} is there, but lacks {lost}; " in text
    assert schema_plan(with_columns(table, "note"), [OFFER]) == []


def first_release() -> StoredSchema:
    """A database of release 0.1.0, whose catalogue has no entry of the system tables."""
    known = stored()
    added = {"kind", "resumes", "seen", *SHAPE_COLUMNS}
    return replace(
        known,
        columns={name: columns - added for name, columns in known.columns.items()},
        catalogue={n: replace(e, version=1) for n, e in known.catalogue.items() if n in TEXTS},
    )


def test_system_tables_of_an_older_release_are_brought_up() -> None:
    """By columns that may be NULL; the entity tables keep their version, and get a shape."""
    plan = schema_plan(first_release(), [OFFER])
    added = only(plan, AddColumn)
    assert [step.column.name for step in added] == [
        "kind",
        "resumes",
        "seen",
        "snapshot_shape",
        "snapshot_extended",
        "snapshot_shape",
    ]
    assert all(step.column.nullable for step in added)
    assert plan == [*added, SYSTEM_RECORD]


def test_an_older_entry_of_the_system_tables_is_replaced() -> None:
    """There is one row a table."""
    known = stored()
    older = {**known.catalogue, SYSTEM_ENTRY: CatalogueEntry(1, "{}")}
    plan = schema_plan(replace(known, catalogue=older), [OFFER])
    assert plan == [replace(SYSTEM_RECORD, replace=True)]


def test_older_system_tables_are_refused_where_nothing_may_be_altered() -> None:
    """With the command that alters them."""
    text = reason(schema_plan(first_release(), [OFFER], create=False))
    assert "lack kind, resumes, seen, snapshot_extended, snapshot_shape" in text
    assert "scrapy snapshots init" in text


def test_another_kind_is_refused_by_name() -> None:
    """A field whose annotation changed would write other values into old rows."""
    own = OFFER.declaration
    columns = [replace(c, kind=Kind.INTEGER) if c.name == "title" else c for c in own.columns]
    changed = entity_tables(replace(own, columns=tuple(columns)), sa.MetaData())
    text = reason(schema_plan(stored(), [changed]))
    assert "column title was created for text values and is now declared as integer" in text


def test_a_table_that_nobody_recorded_is_recorded() -> None:
    """As after a restore of the entity's tables alone; until then the history did not know it."""
    unrecorded = {SYSTEM_ENTRY: SYSTEM_RECORD.entry}
    plan = schema_plan(replace(stored(), catalogue=unrecorded), [OFFER])
    assert plan == [Record(t, CatalogueEntry(SCHEMA_VERSION, TEXTS[t])) for t in sorted(TEXTS)]


def test_what_a_dropped_table_was_created_for_is_replaced() -> None:
    """It may have been another class's, of other columns."""
    text = '{"columns": {"id": {"kind": "text", "role": "key"}}, "untyped": false}'
    known = stored(without=["offer", OFFER.children[0].name])
    entries = {**known.catalogue, "offer": CatalogueEntry(1, text)}
    plan = schema_plan(replace(known, catalogue=entries), [OFFER])
    assert Record("offer", CatalogueEntry(SCHEMA_VERSION, TEXTS["offer"]), replace=True) in plan


def test_another_key_is_refused_with_what_is_right() -> None:
    """Every entity would be stored again, and the old ones would stay current for ever."""
    own = OFFER.declaration
    columns = [replace(c, role=Role.KEY) if c.name == "title" else c for c in own.columns]
    changed = entity_tables(replace(own, columns=tuple(columns)), sa.MetaData())
    assert reason(schema_plan(stored(), [changed])) == (
        "table offer: the key was (sku) and is now (sku, title); restore the declaration of Offer, "
        'or give it another table with table="..."'
    )


def test_a_catalogue_in_another_schema_is_refused() -> None:
    """Tables would be created in the first schema, beside the history in the other one."""
    known = StoredSchema(other_schema="live")
    assert "are in schema live, and new ones would be" in reason(schema_plan(known, [OFFER]))


def test_a_newer_schema_is_refused_with_both_versions() -> None:
    """Of any table: the system tables are those of the newer release."""
    newer = {"elsewhere": CatalogueEntry(SCHEMA_VERSION + 1, "{}")}
    text = reason(schema_plan(replace(stored(), catalogue=newer), [OFFER]))
    assert "table elsewhere was created in " in text
    assert f"version {SCHEMA_VERSION + 1} " in text
    assert f"version {SCHEMA_VERSION};" in text


def test_a_table_with_more_columns_than_the_database_takes_is_refused() -> None:
    """With its name, both numbers and a cure."""
    width = len(OFFER.versions.columns)
    limited = StoredSchema(tables=frozenset(t.name for t in SYSTEM_TABLES), max_columns=width - 1)
    text = reason(schema_plan(replace(limited, columns=stored().columns), [OFFER]))
    assert text.startswith(f"table {OFFER.versions.name} would have {width} columns")
    assert f"takes {width - 1} in a table; put some of the fields" in text


def test_a_view_with_more_columns_than_the_database_takes_is_left_out() -> None:
    """A view of changes has most columns twice; a crawl does not need it."""
    fields = [("sku", str), *((f"field_{number}", int) for number in range(30))]
    wide = _tables_of(snapshot(key="sku")(make_dataclass("Wide", fields)))
    limited = StoredSchema(max_columns=len(wide.versions.columns))
    [made] = only(schema_plan(limited, [wide]), MakeView)
    assert made.view.name == "wide_current"


@pytest.mark.parametrize("version", [1, SCHEMA_VERSION])
def test_another_label_is_recorded(version: int) -> None:
    """And nothing else of what the table was created for, nor by which release."""
    labelled = replace(OFFER, declaration=replace(OFFER.declaration, label="title"))
    name, text = OFFER.versions.name, TEXTS[OFFER.versions.name]
    known = stored()
    entry = CatalogueEntry(version, text)
    plan = schema_plan(replace(known, catalogue={**known.catalogue, name: entry}), [labelled])
    [record] = only(plan, Record)
    assert record == Record(
        name, CatalogueEntry(version, describe(labelled.declaration)[name]), replace=True
    )
