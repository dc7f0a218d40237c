"""What the two databases must agree on, and what is refused at start."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, make_dataclass, replace
from decimal import Decimal
from typing import Annotated, Any

import pytest
import scrapy
import sqlalchemy as sa
from sqlalchemy import Numeric, String
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from scrapy_snapshot_pipeline.capture.compile import Capture, compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.tables import Declaration, Kind
from scrapy_snapshot_pipeline.errors import (
    AmbiguousCommitError,
    BadDataError,
    HistoryError,
    RetriableWriteError,
    SchemaMismatchError,
    WriteError,
)
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch, Outcome
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.schema.ddl import ddl
from scrapy_snapshot_pipeline.store.schema.tables import SCHEMA_VERSION, entity_tables
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.contract.entities import RUN, Observation, at, declaration, record
from tests.contract.stores import DATABASES, found_at, place
from tests.postgresql import PostgresServer
from tests.unit.item_classes import Colour, Everything

HISTORY = [
    [Observation("a", 1, 1, {"x": 4, "y": 5}), Observation("b", 1, 2, {})],
    [Observation("a", 2, 1, {"x": 4, "y": 5}), Observation("b", 2, 3, {"x": 1})],
    [
        Observation("a", 3, 1, {"x": 3}),
        Observation("a", 4, 1, {"x": 4}),
        Observation("c", 3, 0, {}),
    ],
    [Observation("b", 1, 9, {"z": 7})],
]


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """Each database in turn."""
    made = connect_engine(database_url, connect_timeout=10)
    yield made
    made.dispose()


def _all_rows(url: str) -> dict[str, set[tuple[object, ...]]]:
    engine = connect_engine(url, connect_timeout=10)
    store = SnapshotStore(engine)
    store.declare([declaration()])
    for batch in HISTORY:
        store.write(Batch(tuple(map(record, batch))))
    with engine.connect() as connection:
        rows = {
            table.name: {tuple(row) for row in connection.execute(sa.select(table))}
            for table in store.tables(declaration().table).all
        }
    engine.dispose()
    return rows


def test_both_databases_hold_the_same_rows(sqlite_url: str, postgresql_url: str) -> None:
    """Ids, hashes, values and times are equal to the last bit."""
    assert _all_rows(sqlite_url) == _all_rows(postgresql_url)


NASTY = 'say "x", {y}\\N\t\n\r%s %% NULL é \U0001f600'


def _everything() -> list[Everything]:
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 6, dt.timezone.utc)
    full = Everything(
        text="full",
        whole=-(2**63),
        real=1e-300,
        flag=True,
        amount=Decimal("-1234.5"),
        exact=Decimal("0.000000000000000000010"),
        moment=moment,
        day=moment.date(),
        clock=moment.time(),
        ident=uuid.UUID(int=7),
        raw=b"\x00\\\xff",
        colour=Colour.RED,
        nested={"a": [NASTY, None, 1.5]},
        prices={NASTY: Decimal("1.10")},
    )
    return [full, Everything(text="empty"), Everything(text=NASTY[:20], nested=NASTY)]


@contextmanager
def _store_of(
    item_class: type, url: str, *, far: bool
) -> Iterator[tuple[SnapshotStore, sa.Engine, Capture]]:
    """A store with the tables of a class, and the capture of its items."""
    declared = _declared(item_class)
    engine = connect_engine(url, connect_timeout=10)
    place(engine, far=far)
    store = SnapshotStore(engine)
    try:
        store.declare([declared])
        yield store, engine, compile_capture(declared)
    finally:
        engine.dispose()


def _kind_of_store(
    request: pytest.FixtureRequest, kind: str, item_class: type
) -> AbstractContextManager[tuple[SnapshotStore, sa.Engine, Capture]]:
    """In one of `DATABASES`."""
    url, far = found_at(request, kind)
    return _store_of(item_class, url, far=far)


def _declared(item_class: type) -> Declaration:
    found = Declarations().of(item_class)
    assert found is not None
    return found


def _rows(store: SnapshotStore, engine: sa.Engine, item_class: type) -> Sequence[sa.Row[Any]]:
    """All versions, in the order of their keys."""
    declared = _declared(item_class)
    table = store.tables(declared.table).versions
    with engine.connect() as connection:
        return connection.execute(
            sa.select(table).order_by(table.c[declared.columns[0].name])
        ).all()


def _stored(url: str, *, far: bool) -> list[tuple[object, ...]]:
    """What is read back of them; nothing stays behind."""
    with _store_of(Everything, url, far=far) as (store, engine, capture):
        store.write(Batch(tuple(capture(item, at(1), RUN) for item in _everything())))
        rows = _rows(store, engine, Everything)
        with engine.begin() as connection:
            connection.execute(store.tables(_declared(Everything).table).versions.delete())
    return [tuple(row) for row in rows]


def test_every_kind_of_value_is_stored_alike_near_and_far(postgresql_url: str) -> None:
    """By COPY, and as JSON where the server is far."""
    near = _stored(postgresql_url, far=False)
    assert len(near) == len(_everything())
    assert _stored(postgresql_url, far=True) == near


@pytest.mark.parametrize("far", [False, True])
def test_the_null_of_json_is_not_that_of_sql(postgresql_url: str, far: bool) -> None:
    """A column that holds JSON keeps it, near and far."""
    with _store_of(Everything, postgresql_url, far=far) as (store, engine, capture):
        seen = capture(Everything(text="a", nested={"a": 1}), at(1), RUN)
        values = tuple("null" if value == '{"a":1}' else value for value in seen.values)
        assert values != seen.values
        store.write(Batch((seen._replace(values=values),)))
        with engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT jsonb_typeof(nested) FROM everything")
            assert found.scalar_one() == "null"


@snapshot(key="code")
@dataclass
class Limited:
    """Columns that say more of their values than their Python types do."""

    code: Annotated[str, sa.CHAR(5)]
    colour: Annotated[str | None, sa.Enum("red", "blue", name="paint")] = None
    short: Annotated[int | None, sa.SmallInteger()] = None
    rough: Annotated[float | None, sa.REAL()] = None
    price: Annotated[Decimal | None, sa.Numeric(6, 2)] = None
    tags: Annotated[dict[str, str] | None, sa.String(20)] = None


class AsJson(sa.types.TypeDecorator[str]):
    """JSON of the user's own."""

    impl = sa.JSON
    cache_ok = True


class Spelled(str):
    """A subclass of what a driver knows."""

    __slots__ = ()


class Odd(sa.types.TypeDecorator[int]):
    """Gives values that are no value of a record."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, impl: TypeEngine[Any], make: Callable[[int], Any]) -> None:
        self.impl_of = impl
        self.make = make
        super().__init__()

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """Give the type of the column."""
        return dialect.type_descriptor(self.impl_of)

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> Any:
        """Make one."""
        return None if value is None else self.make(value)


SPAN = Odd(postgresql.INTERVAL(), lambda n: dt.timedelta(n, 5, 6))
SPELLED = Odd(sa.Text(), lambda n: Spelled(f'"{n}"\\n'))


class Packed(sa.types.TypeDecorator[int]):
    """A type on top of bytes."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: int | None, _: sa.Dialect) -> Any:
        """Make bytes of a number."""
        return None if value is None else bytes([value, 0])


class Twice(sa.types.TypeDecorator[int]):
    """A type on top of another one, on top of bytes."""

    impl = Packed
    cache_ok = True


@snapshot(key="name")
@dataclass
class Unusual:
    """Columns that hold something else than their Python types."""

    name: str
    raw: Annotated[str | None, postgresql.JSONB()] = None
    own: Annotated[str | None, AsJson()] = None
    span: Annotated[int | None, SPAN] = None
    text: Annotated[int | None, SPELLED] = None
    data: Annotated[int | None, Packed()] = None
    twice: Annotated[int | None, Twice()] = None


def test_unusual_types_are_stored_alike_near_and_far(postgresql_url: str) -> None:
    """And by a repeated attempt, whichever way its rows go."""
    items = [Unusual("a", '{"x": 1}', "text", -3, 1, 255, 255), Unusual("b", "null"), Unusual("c")]
    found = []
    for far, attempt in ((False, 1), (True, 1), (False, 2)):
        with _store_of(Unusual, postgresql_url, far=far) as (store, engine, capture):
            store.write(Batch(tuple(capture(item, at(1), RUN) for item in items), attempt))
            table = store.tables(_declared(Unusual).table).versions
            with engine.begin() as connection:
                texts = [sa.cast(sa.column(c.name), sa.Text) for c in table.columns]
                found.append(
                    connection.execute(
                        sa.select(*texts).select_from(table).order_by(table.c.name)
                    ).all()
                )
                connection.execute(table.delete())
    assert found[0] == found[1] == found[2]
    assert found[0][0][3:9] == (
        '"{\\"x\\": 1}"',
        '"text"',
        "-3 days +00:00:05.000006",
        '"1"\\n',
        "\\xff00",
        "\\xff00",
    )


@pytest.mark.parametrize("far", [False, True])
def test_a_column_that_somebody_made_json_takes_json(postgresql_url: str, far: bool) -> None:
    """Near and far alike: the text is read as JSON, and is no JSON string."""
    with _store_of(Worded, postgresql_url, far=False) as (_, engine, _), engine.begin() as c:
        c.exec_driver_sql("DROP VIEW worded_current, worded_changes")
        c.exec_driver_sql("ALTER TABLE worded ALTER name TYPE jsonb USING name::jsonb")
    with _store_of(Worded, postgresql_url, far=far) as (store, engine, capture):
        store.write(Batch((capture(Worded('{"x": 1}'), at(1), RUN),)))
        with engine.connect() as connection:
            found = connection.exec_driver_sql("SELECT name ->> 'x' FROM worded")
            assert found.scalar_one() == "1"


@pytest.mark.parametrize("far", [False, True])
def test_the_database_refuses_what_its_column_cannot_hold(postgresql_url: str, far: bool) -> None:
    """It is not cut to size on the way, neither near nor far."""
    with _store_of(Limited, postgresql_url, far=far) as (store, engine, capture):
        fits = Limited("ab", "red", 2**15 - 1, 0.1, Decimal("9999.99"), {"a": "b"})
        store.write(Batch((capture(fits, at(1), RUN),)))
        for large in (
            Limited("c", tags={"a": "much more than fits into 20"}),
            Limited("e", colour="grey"),
        ):
            with pytest.raises(BadDataError):
                store.write(Batch((capture(large, at(2), RUN),)))
        [row] = _rows(store, engine, Limited)
    assert tuple(row[2:8]) == (
        "ab   ",
        "red",
        2**15 - 1,
        pytest.approx(0.1),
        Decimal("9999.99"),
        '{"a":"b"}',
    )


EXIT = 1_000_000


class Even(sa.types.TypeDecorator[int]):
    """A type of somebody else's, which looks at the value itself."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> int | None:
        """Refuse some values, and quote them."""
        if value == EXIT:
            raise SystemExit(str(value))
        if value is not None and value % 2:
            raise ValueError(f"{value} is odd")
        return value


class Word(sa.types.TypeDecorator[bytes]):
    """A type that raises what an iterator raises at its end."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: bytes | None, _: sa.Dialect) -> Any:
        """Look the word up."""
        return None if value is None else next(code for word, code in CODES if word == value)


CODES = [(b"one", "1"), (b"two", "2")]


@snapshot(key="name")
@dataclass
class Worded:
    """A column of that type."""

    name: str
    word: Annotated[bytes | None, Word()] = None


@snapshot(key="name")
@dataclass
class Numbered:
    """A column of that type."""

    name: str
    number: Annotated[int, Even()]


def _numbered(capture: Capture, *numbers: int) -> Batch:
    return Batch(tuple(capture(Numbered(f"{n}", n), at(1), RUN) for n in numbers))


@pytest.mark.parametrize("kind", DATABASES)
def test_a_type_of_the_users_own_may_refuse_a_value(
    request: pytest.FixtureRequest, kind: str
) -> None:
    """It is bad data, whenever the type looks at it, and the rest can be stored."""
    even = range(0, 1200, 2)
    with _kind_of_store(request, kind, Numbered) as (store, engine, capture):
        with pytest.raises(BadDataError) as caught:
            store.write(_numbered(capture, *even, 987_654_321))
        store.write(_numbered(capture, *even))
        rows = _rows(store, engine, Numbered)
    assert "987654321" not in str(caught.value)
    assert {row.number for row in rows} == set(even)


@pytest.mark.parametrize("kind", DATABASES)
def test_an_iterator_that_ends_in_a_type_ends_nothing_else(
    request: pytest.FixtureRequest, kind: str
) -> None:
    """What is told to be stored is stored: no piece of a batch is the last for it."""
    with _kind_of_store(request, kind, Worded) as (store, engine, capture):
        many = [capture(Worded(f"{n}"), at(1), RUN) for n in range(600)]
        with pytest.raises(BadDataError):
            store.write(Batch((*many, capture(Worded("unknown", b"three"), at(1), RUN))))
        store.write(Batch((*many, capture(Worded("known", b"two"), at(1), RUN))))
        assert len(_rows(store, engine, Worded)) == 601


@pytest.mark.parametrize("kind", DATABASES)
def test_an_exit_in_a_type_is_that_exit(request: pytest.FixtureRequest, kind: str) -> None:
    """A driver that turns it into an error of the database would have it tried again."""
    with _kind_of_store(request, kind, Numbered) as (store, engine, capture):
        with pytest.raises(SystemExit):
            store.write(_numbered(capture, 2, EXIT))
        assert not _rows(store, engine, Numbered)


def test_the_server_is_not_told_what_a_type_refused(private_postgresql: PostgresServer) -> None:
    """Its log may be read by others."""
    opened = _store_of(Numbered, private_postgresql.url, far=False)
    with opened as (store, _, capture), pytest.raises(BadDataError):
        store.write(_numbered(capture, 987_654_321))
    log = (private_postgresql.home / "log").read_text()
    assert "COPY" in log
    assert "987654321" not in log


@pytest.mark.parametrize("kind", DATABASES)
def test_names_that_mean_something_to_a_driver_are_stored(
    request: pytest.FixtureRequest, kind: str
) -> None:
    """Fields of an Item have any name; a percent sign is no placeholder, nor a quote an end.

    And a table may be called like a type of the database.
    """
    names = ("a%b", "%s", 'say "x"', "50%%", "from", "row_0")  # of a key, for columns of their own
    fields = {name: scrapy.Field() for name in (*names, "value")}
    strange = snapshot(key=names, table="path")(type("Strange", (scrapy.Item,), fields))
    with _kind_of_store(request, kind, strange) as (store, engine, capture):
        for second, value in ((1, "old"), (2, "new"), (3, "new")):
            item = strange({**dict.fromkeys(names, "key"), "value": value})
            store.write(Batch((capture(item, at(second), RUN),)))
        other = strange(dict.fromkeys(names, "other"))
        store.write(Batch((capture(other, at(4), RUN),), attempt=2))
        rows = _rows(store, engine, strange)
    assert sorted(row.valid_to is None for row in rows) == [False, True, True]


def test_no_statement_has_more_parameters_than_sqlite_takes(sqlite_url: str) -> None:
    """However many rows a batch has; 32,766 is the limit that it is built with."""
    entities, sizes = 2_200, []
    engine = connect_engine(sqlite_url, connect_timeout=10)

    @sa.event.listens_for(engine, "before_cursor_execute")
    def count(*told: Any) -> None:
        if not told[-1]:
            sizes.append(len(told[3]))

    store = SnapshotStore(engine)
    store.declare([declaration()])
    for second, price, attempt in ((1, 0, 1), (2, 1, 1), (3, 1, 1), (4, 2, 2), (5, 2, 2)):
        batch = [
            record(Observation(f"e{number}", second, 0, dict.fromkeys("abcd", price)))
            for number in range(entities)
        ]
        batch += [record(Observation(f"{second} f{n}", second, 0, {})) for n in range(entities)]
        store.write(Batch(tuple(batch), attempt))
    tables = store.tables(declaration().table)
    with engine.connect() as connection:
        counts = [
            connection.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables.all
        ]
    engine.dispose()
    assert counts == [entities * (3 + 5), entities * 4 * 3, entities * 4]
    assert 32_766 // 2 < max(sizes) <= 32_766


def test_a_connection_lost_with_the_last_text_leaves_doubt(postgresql_url: str) -> None:
    """Where the server is far the COMMIT is in it; a retry finds out what was stored."""
    with _store_of(Numbered, postgresql_url, far=True) as (store, engine, capture):
        admin = sa.create_engine(postgresql_url, isolation_level="AUTOCOMMIT")

        def terminate(connection: sa.Connection) -> None:
            sa.event.remove(engine, "commit", terminate)
            pid = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
            with admin.connect() as other:
                other.exec_driver_sql("SELECT pg_terminate_backend(%s, 5000)", (pid,))

        sa.event.listen(engine, "commit", terminate, insert=True)
        with pytest.raises(AmbiguousCommitError):
            store.write(_numbered(capture, 2))
        again = replace(_numbered(capture, 2), attempt=2)
        assert store.write(again).outcomes == (Outcome.INSERTED,)
        assert len(_rows(store, engine, Numbered)) == 1
        admin.dispose()


def test_declaring_twice_is_declaring_once(engine: sa.Engine) -> None:
    """The second crawl finds the tables of the first."""
    SnapshotStore(engine).declare([declaration()])

    SnapshotStore(engine).declare([declaration()])


def test_table_that_lacks_a_column_is_refused_by_name(engine: sa.Engine) -> None:
    """The error names the table and the column."""
    SnapshotStore(engine).declare([declaration()])
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE contract_match_markets RENAME price TO cost"))

    with pytest.raises(SchemaMismatchError, match="lacks price and also has cost"):
        SnapshotStore(engine).declare([declaration()])


def test_column_of_another_kind_is_refused_by_name(engine: sa.Engine) -> None:
    """A field whose annotation changed would write other values into old rows."""
    SnapshotStore(engine).declare([declaration()])
    changed = [
        replace(column, kind=Kind.TEXT) if column.name == "score" else column
        for column in declaration().columns
    ]

    with pytest.raises(SchemaMismatchError, match=r"column score .* decimal .* text"):
        SnapshotStore(engine).declare([replace(declaration(), columns=tuple(changed))])


KEY, PRICED, SHORT = ("sku",), Annotated[Decimal, Numeric(10, 2)], Annotated[str, String(5)]


def _offer(
    key: Sequence[str] = KEY,
    price: Any = PRICED,
    name: Any = SHORT,
    untracked: Sequence[str] = (),
    row_key: str = "size",
) -> Declaration:
    """A class of today, or the one that it was before."""
    row = make_dataclass("Row", [("size", str), ("colour", str)])
    fields = [("sku", str), ("shop", str), ("price", price), ("name", name)]
    offer = make_dataclass("Offer", [*fields, ("rows", list[snapshot(key=row_key)(row)])])  # type: ignore[misc]
    return _declared(snapshot(key=tuple(key), untracked=tuple(untracked))(offer))


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (_offer(key=("shop", "sku")), "table offer: the key was (sku) and is now (sku, shop)"),
        (
            _offer(price=Annotated[Decimal, Numeric(10, 4)]),
            "column price was created for 10 digits, 2 of them after the point",
        ),
        (_offer(row_key="colour"), "table offer_rows: the key was (size) and is now (colour)"),
    ],
    ids=["key", "scale", "list key"],
)
def test_another_declaration_than_the_stored_one_is_refused(
    now: Declaration, text: str, engine: sa.Engine
) -> None:
    """It would store values cut, or every entity again; the error says what was and what is."""
    SnapshotStore(engine).declare([_offer()])
    with pytest.raises(SchemaMismatchError) as refused:
        SnapshotStore(engine).declare([now])
    assert text in str(refused.value)
    assert str(refused.value).endswith('or give it another table with table="..."')
    SnapshotStore(engine).declare([_offer()])


def test_a_table_that_was_dropped_is_created_again(engine: sa.Engine) -> None:
    """Though the catalogue still knows it."""
    SnapshotStore(engine).declare([declaration()])
    with engine.begin() as connection:
        for table in ("contract_match_markets", "contract_match"):
            connection.exec_driver_sql(f"DROP TABLE {table} {_CASCADE[engine.dialect.name]}")
    store = SnapshotStore(engine)
    store.declare([declaration()])
    seen = Batch((record(Observation("a", 0, 0, {"m": 1})),))
    assert store.write(seen).outcomes == (Outcome.INSERTED,)


_CASCADE = {"sqlite": "", "postgresql": "CASCADE"}


def test_tables_of_a_later_schema_of_the_search_path_are_not_taken(postgresql_url: str) -> None:
    """Neither for a crawl, which would begin a second history, nor for a question."""
    admin = connect_engine(postgresql_url, connect_timeout=10)
    with admin.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA first; CREATE SCHEMA live")
    in_path = "{}?options=-csearch_path%3D{}".format

    def store(path: str) -> SnapshotStore:
        return SnapshotStore(connect_engine(in_path(postgresql_url, path), connect_timeout=10))

    with closing(store("live")) as live:
        live.declare([declaration()])
    with (
        closing(store("first,live")) as both,
        pytest.raises(SchemaMismatchError, match="are in schema live, and new ones would be"),
    ):
        both.declare([declaration()])
    with pytest.raises(HistoryError, match="in schema live, which is not its first"):
        SnapshotHistory(in_path(postgresql_url, "first,live")).tables()
    with closing(store("live,first")) as right:
        right.declare([declaration()])
    admin.dispose()


@pytest.mark.parametrize("database", DATABASES)
def test_a_key_may_be_longer_than_an_index_takes(
    request: pytest.FixtureRequest, database: str
) -> None:
    """PostgreSQL refuses entries of more than 2.7 kB, so the index then holds only their start."""
    url, far = found_at(request, database)
    engine = connect_engine(url, connect_timeout=10)
    place(engine, far=far)
    long = [secrets.token_hex(3_000) for _ in range(2)]
    names = ["short", *long, long[0] + "x"]
    seen = Batch(tuple(record(Observation(name, 1, 1, {"m": 1})) for name in names))
    with closing(SnapshotStore(engine)) as store:
        store.declare([declaration()])
        store.write(Batch(seen.records[:1]))
        outcomes = store.write(seen).outcomes
        assert outcomes == (Outcome.CONFIRMED, *[Outcome.INSERTED] * 3)
        later = tuple(record(Observation(name, 2, 2, {"m": 1})) for name in names)
        assert store.write(Batch(later)).outcomes == (Outcome.REVISED,) * 4
        store.declare([declaration()])


def test_a_key_that_is_too_long_is_refused_where_no_index_may_be_made(postgresql_url: str) -> None:
    """As everything else that the database refuses of one record."""
    engine = connect_engine(postgresql_url, connect_timeout=10)
    SnapshotStore(engine).declare([declaration()])
    with closing(SnapshotStore(engine, create_tables=False)) as store:
        store.declare([declaration()])
        seen = record(Observation(secrets.token_hex(3_000), 1, 1, {"m": 1}))
        with pytest.raises(BadDataError, match="ix_contract_match_key"):
            store.write(Batch((seen,)))


def test_a_database_of_a_newer_release_is_refused_with_both_versions(engine: sa.Engine) -> None:
    """We would write rows that the newer release does not understand."""
    SnapshotStore(engine).declare([declaration()])
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE snapshot_schema SET version = 7"))

    with pytest.raises(
        SchemaMismatchError, match=rf"version 7 .* version {SCHEMA_VERSION}; upgrade"
    ):
        SnapshotStore(engine).declare([declaration()])


def test_tables_that_another_crawler_creates_meanwhile_are_found_by_the_next_try(
    postgresql_url: str,
) -> None:
    """Between our look and our CREATE TABLE: the error is one after which a crawl tries again."""
    engines = [connect_engine(postgresql_url, connect_timeout=10) for _ in range(2)]
    mine, other = map(SnapshotStore, engines)
    faster = [other]

    def be_first(_: object, __: object, statement: str, *___: object) -> None:
        if "CREATE TABLE" in statement and faster:
            faster.pop().declare([declaration()])

    sa.event.listen(engines[0], "before_cursor_execute", be_first)
    seen = (record(Observation("a", 0, 0, {"m": 1})),)
    with closing(mine), closing(other):
        with pytest.raises(RetriableWriteError):
            mine.declare([declaration()])
        mine.declare([declaration()])
        assert mine.write(Batch(seen)).outcomes == (Outcome.INSERTED,)
        assert other.write(Batch(seen)).outcomes == (Outcome.CONFIRMED,)


def test_missing_table_is_an_error_where_none_may_be_created(engine: sa.Engine) -> None:
    """The error says who can create it, and how."""
    with pytest.raises(SchemaMismatchError, match="scrapy snapshots init"):
        SnapshotStore(engine, create_tables=False).declare([declaration()])


def test_printed_ddl_makes_tables_that_a_crawl_accepts(engine: sa.Engine) -> None:
    """`scrapy snapshots init --sql`, run by hand, is enough for SNAPSHOT_CREATE_TABLES = False."""
    sql = ddl(engine.dialect, [entity_tables(declaration(), sa.MetaData())])
    with engine.begin() as connection:
        for statement in filter(str.strip, sql.split(";\n")):
            connection.exec_driver_sql(statement)

    SnapshotStore(engine, create_tables=False).declare([declaration()])


def test_connection_lost_on_its_way_back_gives_up_its_place(engine: sa.Engine) -> None:
    """The pool has room for one connection: the next attempt gets a new one, at once."""
    store = SnapshotStore(engine)
    store.declare([declaration()])
    lost = [engine.dialect.loaded_dbapi.OperationalError("the connection is lost")]

    @sa.event.listens_for(engine, "checkin")
    def lose(connection: Any, _: object) -> None:
        if lost:
            connection.close()  # as one that is lost is; nobody else will
            raise lost.pop()

    records = (record(HISTORY[0][0]),)
    with pytest.raises(WriteError):
        store.write(Batch(records))
    assert len(store.write(Batch(records, attempt=2)).outcomes) == 1
    with engine.connect() as connection:
        versions = store.tables(declaration().table).versions
        assert connection.scalar(sa.select(sa.func.count()).select_from(versions)) == 1
