"""`scrapy snapshots export`."""

from __future__ import annotations

import csv
import datetime as dt
import json
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
from scrapy.exceptions import UsageError
from sqlalchemy import Numeric

from scrapy_snapshot_pipeline import snapshot
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from tests.commands.in_process import NO_PYARROW, run_command
from tests.history.filled import Observation, fill
from tests.history.items import store_all
from tests.history.odds import CLOSING, OPENING, TABLE, offers


def read_csv(file: Path) -> list[dict[str, str]]:
    """The rows of a file, by column."""
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("run", [OPENING, CLOSING])
def test_state_at_a_run_has_every_offer_of_it(odds_url: str, run: object, tmp_path: Path) -> None:
    """The rows are those of the odds file."""
    file = tmp_path / "state.csv"

    assert run_command(odds_url, "export", "-o", str(file), "--as-of", str(run)) == 0

    exported = {(row["match"], row["bookmaker"]) for row in read_csv(file)}
    assert exported >= {
        (o.match, o.bookmaker) for o in offers(CLOSING if run == CLOSING else OPENING)
    }


def test_rows_of_a_list_begin_with_the_key(odds_url: str, tmp_path: Path) -> None:
    """There is one row for each market, with the price of the odds file."""
    file = tmp_path / "markets.csv"
    run_command(odds_url, "export", "-o", str(file), "--list", "markets")

    rows = {(row["match"], row["bookmaker"], row["market"]): row for row in read_csv(file)}
    offer = next(offers(CLOSING))
    row = rows[offer.match, offer.bookmaker, "1X2"]
    assert Decimal(row["price_home"]) == offer.prices["1X2", "home"]


def test_json_lines_hold_every_version(odds_url: str, tmp_path: Path) -> None:
    """There are as many lines as versions, oldest first."""
    file = tmp_path / "versions.jsonl"
    run_command(odds_url, "export", "-o", str(file), "--versions")

    times = [json.loads(line)["changed_at"] for line in file.read_text("utf-8").splitlines()]
    with SnapshotHistory(odds_url) as history:
        kinds = [change.kind.value for change in history.changes(TABLE)]
    assert len(times) == len(kinds) - kinds.count("retired")
    assert times == sorted(times)


def test_parquet_has_types(odds_url: str, tmp_path: Path) -> None:
    """Decimals stay exact, and times have their zone."""
    parquet = pytest.importorskip("pyarrow.parquet", reason=NO_PYARROW)
    file = tmp_path / "markets.parquet"
    run_command(odds_url, "export", "-o", str(file), "--list", "markets")

    table = parquet.read_table(file)
    assert str(table.schema.field("price_home").type).startswith("decimal128")
    assert str(table.schema.field("changed_at").type) == "timestamp[us, tz=UTC]"
    assert table.num_rows > 1000


@snapshot(key="size")
@dataclass
class Variant:
    """A row of a list."""

    size: str
    stock: int | None = None


@snapshot(key="sku")
@dataclass
class Product:
    """A field of each kind that Parquet has a type for."""

    sku: str
    price: Annotated[Decimal, Numeric(10, 2)] | None = None
    weight: Decimal | None = None
    stock: int | None = None
    rating: float | None = None
    sold: bool | None = None
    day: dt.date | None = None
    opens: dt.time | None = None
    seen: dt.datetime | None = None
    raw: bytes | None = None
    tags: dict[str, str] | None = None
    variants: list[Variant] = field(default_factory=list)


FULL = Product(
    "b",
    Decimal("1.50"),
    Decimal("0.001"),
    2**63 - 1,
    0.5,
    True,
    dt.date(2026, 1, 1),
    dt.time(8),
    dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc),
    b"x",
    {"a": "b"},
    [Variant("L", 2)],
)
DAYS: tuple[list[Product], ...] = ([], [Product("a")], [FULL])
TYPES = {
    "sku": "string",
    "price": "decimal128(10, 2)",
    "weight": "decimal128(38, 18)",
    "stock": "int64",
    "rating": "double",
    "sold": "bool",
    "day": "date32[day]",
    "opens": "time64[us]",
    "seen": "timestamp[us, tz=UTC]",
    "raw": "binary",
    "tags": "string",
    "changed_at": "timestamp[us, tz=UTC]",
    "last_confirmed_at": "timestamp[us, tz=UTC]",
    "run_at": "timestamp[us, tz=UTC]",
    "valid_to": "timestamp[us, tz=UTC]",
    "run_id": "string",
}


@pytest.mark.parametrize("arguments", [(), ("--versions",), ("--list", "variants")])
def test_parquet_files_of_different_days_have_one_schema(
    arguments: tuple[str, ...], database_url: str, tmp_path: Path
) -> None:
    """Whatever the values of a day, also where there are none: the declaration decides."""
    arrow = pytest.importorskip("pyarrow", reason=NO_PYARROW)
    parquet = pytest.importorskip("pyarrow.parquet", reason=NO_PYARROW)
    tables = []
    for day, items in enumerate(DAYS):
        store_all(database_url, Product, items)
        file = tmp_path / f"{day}.parquet"
        run_command(database_url, "export", "-o", str(file), *arguments)
        tables.append(parquet.read_table(file))
    types = {name: str(arrow_type) for name, arrow_type in _types(tables[0])}
    if "--list" in arguments:
        expected = {"sku": "string", "size": "string", "stock": "int64"}
        assert types == {**expected, "changed_at": TYPES["changed_at"]}
    else:
        assert types == TYPES
    assert len({tuple(_types(table)) for table in tables}) == 1
    assert arrow.concat_tables(tables).num_rows == sum(table.num_rows for table in tables) > 0


def _types(table: Any) -> list[tuple[str, Any]]:
    return list(zip(table.schema.names, table.schema.types, strict=True))


def test_decimal_that_parquet_cannot_hold_is_an_error_with_its_cure(
    sqlite_url: str, tmp_path: Path
) -> None:
    """It is not rounded; another day's file would have another type otherwise."""
    pytest.importorskip("pyarrow", reason=NO_PYARROW)
    store_all(sqlite_url, Product, [Product("a", weight=Decimal("1e-19"))])
    with pytest.raises(HistoryError, match=r"column weight has .*18 after it; declare it as Annot"):
        run_command(sqlite_url, "export", "-o", str(tmp_path / "x.parquet"))
    assert list(tmp_path.glob("*.parquet")) == []


def test_file_is_replaced_only_on_demand(odds_url: str, tmp_path: Path) -> None:
    """Without `--force` the old file stays."""
    file = tmp_path / "old.csv"
    file.write_text("old")

    with pytest.raises(HistoryError, match="--force"):
        run_command(odds_url, "export", "-o", str(file))
    assert file.read_text() == "old"
    run_command(odds_url, "export", "-o", str(file), "--force")
    assert file.read_text() != "old"


def test_failed_export_leaves_no_file(odds_url: str, tmp_path: Path) -> None:
    """Neither half a file nor a temporary one stays."""
    with pytest.raises(HistoryError, match="could not be written"):
        run_command(odds_url, "export", "-o", str(tmp_path / "none" / "x.csv"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("-o", "x.txt"),
        ("-o", "-", "--format", "parquet"),
        ("-o", "x.jsonl", "--list", "markets"),
        ("-o", "x.csv", "--list", "markets", "--versions"),
    ],
)
def test_options_that_contradict_each_other_are_a_usage_error(
    odds_url: str, arguments: tuple[str, ...]
) -> None:
    """The database is not queried."""
    with pytest.raises(UsageError):
        run_command(odds_url, "export", *arguments)


def test_unknown_list_names_the_known_ones(odds_url: str, tmp_path: Path) -> None:
    """The error says which lists there are."""
    with pytest.raises(HistoryError, match="these lists: markets"):
        run_command(odds_url, "export", "-o", str(tmp_path / "x.csv"), "--list", "offers")


def test_list_in_a_list_has_the_keys_around_its_rows(sqlite_url: str, tmp_path: Path) -> None:
    """A row has the keys of its entity and of its enclosing row, each under its own name."""
    fill(sqlite_url, [Observation("final", 0, 1, {"1X2": 7, "total": 5})])
    file = tmp_path / "selections.csv"

    run_command(sqlite_url, "export", "-o", str(file), "--list", "markets.selections")

    rows = read_csv(file)
    assert [(row["name"], row["markets.name"], row["odds"]) for row in rows] == [
        ("final", "1X2", "2"),
        ("final", "total", "1"),
    ]
    assert {row["markets.selections.name"] for row in rows} == {"home"}
