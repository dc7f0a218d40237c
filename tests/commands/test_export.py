"""`scrapy snapshots export`."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest
from scrapy.exceptions import UsageError

from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history import SnapshotHistory
from tests.commands.in_process import NO_PYARROW, run_command
from tests.history.filled import Observation, fill
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
