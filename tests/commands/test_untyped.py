"""Entities of a class without declared types, each with fields of its own."""

from __future__ import annotations

import csv
import datetime as dt
import io
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.errors import NoSuchFieldError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from scrapy_snapshot_pipeline.records import Batch
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.commands.in_process import NO_PYARROW, run_command

ITEMS: list[dict[str, object]] = [
    {"url": "a", "price": 1, "=cmd": "x"},
    {"url": "b", "title": "=1+1", "price": 2.5},
    {"url": "c", "tags": ["x", "y"]},
]


@pytest.fixture
def books_url(sqlite_url: str) -> str:
    """A database whose items were dicts."""
    store_items(sqlite_url, ITEMS)
    return sqlite_url


def store_items(url: str, items: Sequence[Mapping[str, object]], day: int = 1) -> None:
    """Store dicts as seen on that day."""
    declarations = Declarations({dict: {"table": "book", "key": "url"}})
    declaration = declarations.of(dict)
    assert declaration is not None
    capture = compile_capture(declaration)
    store = SnapshotStore(connect_engine(url, connect_timeout=10))
    store.declare([declaration])
    now = dt.datetime(2026, 1, day, tzinfo=dt.timezone.utc)
    store.write(Batch(tuple(capture(item, now, uuid.UUID(int=1)) for item in items)))
    store.close()


def test_csv_has_a_column_for_every_field(
    books_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even for a field that only the last entity has; field names are guarded as values are."""
    run_command(books_url, "as-of", "now", "--csv")

    rows = {row["url"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert rows["a"]["'=cmd"] == "x"
    assert rows["b"]["title"] == "'=1+1"
    assert rows["c"]["tags"] == '["x", "y"]'


def test_parquet_takes_fields_of_several_types(books_url: str, tmp_path: Path) -> None:
    """Integers beside floats become floats; a missing field is null."""
    parquet = pytest.importorskip("pyarrow.parquet", reason=NO_PYARROW)
    file = tmp_path / "books.parquet"
    run_command(books_url, "export", "-o", str(file))

    rows = {row["url"]: row for row in parquet.read_table(file).to_pylist()}
    assert [rows[url]["price"] for url in "abc"] == [1.0, 2.5, None]


PERIOD = ("--until", "2026-01-05T00:00Z")
PRICES: tuple[list[dict[str, object]], ...] = (
    [{"url": "a", "price": "£9.99"}, {"url": "b", "price": "£5"}, {"url": "c", "price": "sold"}],
    [{"url": "a", "price": "£8.99"}, {"url": "b", "price": "£5"}, {"url": "c", "price": "sold"}],
)
COMMANDS = [("movers", "--since", "2026-01-01T12:00Z"), ("stats", "--days", "10")]


@pytest.fixture
def shop_url(database_url: str) -> str:
    """Prices as texts on two days."""
    for day, items in enumerate(PRICES, 1):
        store_items(database_url, items, day)
    return database_url


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_field_is_an_error_that_names_the_known_ones(
    command: tuple[str, ...], books_url: str
) -> None:
    """Not "nothing found", which would read as if nothing had moved."""
    name, *arguments = command
    with pytest.raises(NoSuchFieldError, match="a field pirce; there are =cmd, price, tags, title"):
        run_command(books_url, name, "pirce", *arguments, *PERIOD)


@pytest.mark.parametrize("command", COMMANDS)
def test_texts_that_are_no_numbers_are_counted_and_one_is_shown(
    command: tuple[str, ...], shop_url: str
) -> None:
    """With the option that reads them."""
    name, *arguments = command
    expected = r'none of 4 values of price in table book is a number; one is "£.*; --as number, '
    with pytest.raises(NoSuchFieldError, match=expected):
        run_command(shop_url, name, "price", *arguments, *PERIOD)


def test_numbers_in_texts_are_read_where_the_user_asks(
    shop_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is still none is counted beside the answer."""
    run_command(shop_url, "movers", "price", "--as", "number", *COMMANDS[0][1:], *PERIOD)
    shown = capsys.readouterr()
    assert shown.out.splitlines()[2].split()[:5] == ["a", "9.99", "8.99", "-1.00", "-10.0%"]

    run_command(shop_url, "stats", "price", "--as", "number", "--json", *PERIOD)
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 2
    assert shown.err == '1 of 4 values of price is no number, such as "sold"\n'


def test_field_that_has_numbers_and_did_not_move_is_no_error(
    books_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is nothing to find, and that is all."""
    assert run_command(books_url, "movers", "price", "--since", "2026-01-02T00:00Z") == 0
    assert capsys.readouterr().err == "nothing found\n"


def test_scraped_text_is_harmless_in_an_error(sqlite_url: str) -> None:
    """Neither long nor able to write to the terminal."""
    store_items(sqlite_url, [{"url": "a", "price": "\x1b[2J" + "x" * 500, "\x1b[1m": 1}])
    with SnapshotHistory(sqlite_url) as history:
        for field in ("price", "other"):
            with pytest.raises(NoSuchFieldError) as caught:
                list(history.steps("book", "a", field))
            assert str(caught.value).isprintable()
            assert len(str(caught.value)) < 200


def test_steps_of_a_name_with_a_dot(sqlite_url: str) -> None:
    """The names that an error lists can be asked for."""
    store_items(sqlite_url, [{"url": "a", "offer.price": 3}])
    with SnapshotHistory(sqlite_url) as history:
        with pytest.raises(NoSuchFieldError, match=r"there are offer\.price"):
            list(history.steps("book", "a", "offer"))
        [step] = history.steps("book", "a", "offer.price")
    assert step.value == 3
