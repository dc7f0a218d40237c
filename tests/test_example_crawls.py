"""The example project's crawls, each in a process of its own, store what they must."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.example_numbers import KNOWN

EXAMPLE = Path(__file__).resolve().parent.parent / "example_project"

TABLES = {"odds": "odds_snapshot", "competitor_odds": "competitor_odds_snapshot"}
URL_VARIABLE = "SNAPSHOT_DATABASE_URL"
COUNTED = ("inserted", "revised", "confirmed", "unseen", "written", "ended")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy, so that the repository's own folder gets no logs and no databases."""
    ignored = shutil.ignore_patterns("runs", ".scrapy", "__pycache__", "odds.db*")
    return shutil.copytree(EXAMPLE, tmp_path / "example_project", ignore=ignored)


@pytest.fixture(
    params=[
        "sqlite",
        # As long as the other one, and little that the crawls of other tests do not show.
        pytest.param("postgresql", marks=[pytest.mark.postgresql, pytest.mark.slow]),
    ]
)
def chosen_url(request: pytest.FixtureRequest) -> str:
    """What the user gives as the database; empty: nothing, which means a new SQLite file."""
    if request.param == "sqlite":
        return ""
    url: str = request.getfixturevalue("postgresql_url")
    return url


def run(project: Path, *command: str, url: str) -> subprocess.CompletedProcess[str]:
    """A command in the project's folder, with this database."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env={**os.environ, "SNAPSHOT_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def sqlite_url(project: Path) -> str:
    """The new file that the main job made."""
    [file] = project.glob("runs/*/odds.db")
    return f"sqlite:///{file}"


@contextmanager
def database(url: str) -> Iterator[sa.Connection]:
    """A connection that reads."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection


def run_ids(connection: sa.Connection) -> list[object]:
    """The crawls, oldest first."""
    statement = sa.text("SELECT run_id FROM snapshot_runs ORDER BY started_at")
    return list(connection.execute(statement).scalars())


STORED = """
SELECT
  (SELECT COUNT(*) FROM {table} v WHERE v.run_id = run.run_id AND NOT EXISTS (
     SELECT 1 FROM {table} w WHERE w.entity_id = v.entity_id AND w.valid_from < v.valid_from)
  ) AS inserted,
  (SELECT COUNT(*) FROM {table} v WHERE v.run_id = run.run_id AND EXISTS (
     SELECT 1 FROM {table} w WHERE w.entity_id = v.entity_id AND w.valid_to = v.valid_from)
  ) AS revised,
  (SELECT COUNT(*) FROM {table} v WHERE {throughout} AND v.last_confirmed_at >= run.started_at
  ) AS confirmed,
  (SELECT COUNT(*) FROM {table} v WHERE {throughout} AND v.last_confirmed_at < run.started_at
  ) AS unseen,
  (SELECT COUNT(*) FROM {table}_markets m JOIN {table} v
     ON v.entity_id = m.entity_id AND v.snapshot_id = m.snapshot_id
   WHERE v.run_id = run.run_id) AS written,
  (SELECT COUNT(*) FROM {table}_markets m
   WHERE m.valid_to BETWEEN run.started_at AND run.finished_at) AS ended
FROM snapshot_runs run WHERE run.run_id = :run_id
"""
THROUGHOUT = (
    "v.valid_from < run.started_at AND (v.valid_to IS NULL OR v.valid_to > run.finished_at)"
)


def stored(connection: sa.Connection, spider: str, run_id: object) -> dict[str, int]:
    """What a crawl did, by the versions and markets that are in the tables."""
    statement = sa.text(STORED.format(table=TABLES[spider], throughout=THROUGHOUT))
    row = connection.execute(statement, {"run_id": run_id}).one()
    return {name: getattr(row, name) for name in COUNTED}


def ledger(connection: sa.Connection, run_id: object) -> dict[str, object]:
    """What a crawl did, by its own account."""
    statement = sa.text(
        "SELECT spider, status, accepted, inserted, revised, confirmed, failed, rejected,"
        " children_inserted AS written, children_ended AS ended"
        " FROM snapshot_runs WHERE run_id = :run_id"
    )
    return dict(connection.execute(statement, {"run_id": run_id}).mappings().one())


def expected_ledger(spider: str, known: dict[str, int]) -> dict[str, object]:
    """The row in `snapshot_runs` of a crawl that did what is known."""
    counts = {name: known[name] for name in COUNTED if name != "unseen"}
    accepted = known["inserted"] + known["revised"] + known["confirmed"]
    return {
        "spider": spider,
        "status": "finished",
        "accepted": accepted,
        **counts,
        "failed": 0,
        "rejected": 0,
    }


def printed_row(spider: str, visit: str, known: dict[str, int]) -> list[str]:
    """The words of the row that the main job prints."""
    seen = known["inserted"] + known["revised"] + known["confirmed"]
    return [spider, visit, *(f"{count:,}" for count in (seen, *(known[name] for name in COUNTED)))]


def assert_pasted_commands_answer(project: Path, printed: str) -> None:
    """Each of the lines that the tour ends with."""
    lines = [line for line in printed.splitlines() if " snapshots " in line]
    assert len(lines) == 3
    for line in lines:
        answer = subprocess.run(  # noqa: S602 - as it is pasted
            line,
            shell=True,
            cwd=project,
            env={name: value for name, value in os.environ.items() if name != URL_VARIABLE},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "odds_snapshot" in answer.stdout, (line, answer)


@pytest.mark.crawl
@pytest.mark.timeout(300)
def test_main_job_stores_the_known_numbers(project: Path, chosen_url: str) -> None:
    """The one command: six crawls, and the database holds exactly what the file implies."""
    done = run(project, "run.py", url=chosen_url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    head, _, body = done.stdout.partition("\n\n")
    assert "Database: " in head
    told = [line for line in body.splitlines() if " snapshots " not in line]
    assert max(map(len, told)) <= 80
    rows = [line.split() for line in body.splitlines()]
    with database(chosen_url or sqlite_url(project)) as connection:
        for (spider, visit), run_id in zip(KNOWN, run_ids(connection), strict=True):
            known = {name: KNOWN[spider, visit].get(name, 0) for name in COUNTED}
            assert stored(connection, spider, run_id) == known, (spider, visit)
            assert ledger(connection, run_id) == expected_ledger(spider, known)
            assert printed_row(spider, visit, known) in rows
        question = done.stdout[done.stdout.index("SELECT") : done.stdout.rindex(";")]
        assert connection.execute(sa.text(question)).all()
    assert_pasted_commands_answer(project, done.stdout)


@pytest.mark.crawl
@pytest.mark.parametrize(
    "setting",
    [
        "TWISTED_REACTOR=twisted.internet.asyncioreactor.AsyncioSelectorReactor",
        "TWISTED_REACTOR=twisted.internet.selectreactor.SelectReactor",
        "TWISTED_REACTOR_ENABLED=False",
    ],
)
def test_crawl_by_hand_in_each_reactor_mode(project: Path, setting: str) -> None:
    """`scrapy crawl odds` works with the site inside it, whatever the reactor."""
    if setting == "TWISTED_REACTOR_ENABLED=False":
        pytest.importorskip("aiohttp", reason="downloads without a reactor need aiohttp")
    url = f"sqlite:///{project / 'odds.db'}"
    done = run(project, "-m", "scrapy", "crawl", "odds", "-s", setting, url="")
    assert done.returncode == 0, done.stderr
    with database(url) as connection:
        [run_id] = run_ids(connection)
        assert stored(connection, "odds", run_id)["written"] == 1140


@pytest.mark.crawl
def test_main_job_says_that_it_cannot_open_the_database(project: Path) -> None:
    """A database that is not there ends the job with a message and an exit code."""
    done = run(project, "run.py", url="sqlite:////no/such/folder/odds.db")
    assert done.returncode == 1
    assert "unable to open database file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.crawl
def test_main_job_says_which_log_to_read(project: Path) -> None:
    """A crawl that goes wrong ends the job with its log's path and an exit code."""
    (project / "bookmakers" / "spiders" / "odds.py").write_text("import no_such_module")
    done = run(project, "run.py", url="")
    assert done.returncode == 1
    assert "No module named 'no_such_module'" in done.stderr
    assert "odds-opening.log" in done.stderr
    assert "Traceback" not in done.stderr
