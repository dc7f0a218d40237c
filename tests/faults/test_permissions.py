"""A crawl under a role that may read, add and change rows, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.crawl.crawls import snapshots
from tests.crawl.database import column, connected
from tests.faults.conftest import Begin, Verdict
from tests.faults.crawling import QUICK
from tests.faults.replaying import assert_replayed, assert_spooled
from tests.faults.servers import TroubledServer

NO_TABLES = {"SNAPSHOT_CREATE_TABLES": "False"}
RIGHTS = "SELECT, INSERT, UPDATE"
DENIED = (
    "CREATE TABLE other (a int)",
    "CREATE TEMP TABLE other (a int)",
    "DELETE FROM ticker",
    "TRUNCATE ticker",
    "ALTER TABLE ticker ADD other int",
)


@pytest.fixture
def role(server: TroubledServer) -> Iterator[str]:
    """A role that may connect and nothing else, not even what every role may do by default."""
    name = f"crawler_{uuid.uuid4().hex}"
    server.sql(
        f"CREATE ROLE {name} LOGIN",
        f"REVOKE ALL ON DATABASE {server.name} FROM PUBLIC",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {server.name} TO {name}",
        f"GRANT USAGE ON SCHEMA public TO {name}",
    )
    yield name
    server.sql(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.fixture
def role_url(server: TroubledServer, role: str, tmp_path: Path) -> str:
    """SQLAlchemy URL for that role, after the owner has created tables and granted rights."""
    settings = {
        # The crawl's extensions import the items of the other spiders too.
        "SPIDER_MODULES": f"{QUICK['SPIDER_MODULES']},tests.crawl.shop.spiders",
        "SNAPSHOT_DATABASE_URL": server.url,
    }
    done = snapshots(tmp_path, settings, "init")
    assert done.returncode == 0, done.stderr
    server.sql(f"GRANT {RIGHTS} ON ALL TABLES IN SCHEMA public TO {role}")
    return server.url_on(server.server.port, user=role)


def test_the_role_may_not_do_more(role_url: str) -> None:
    """What the next tests show to be unnecessary is really denied."""
    for statement in DENIED:
        with (
            pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|must be owner"),
            connected(role_url) as connection,
        ):
            connection.exec_driver_sql(statement)


@pytest.mark.fault(23)
def test_crawl_and_replay_under_a_role_with_few_rights(
    begin: Begin, server: TroubledServer, role: str, role_url: str, verdict: Verdict
) -> None:
    """Three rights are enough; a crawl that loses one of them stops, and loses nothing."""
    crawl = begin(role_url, NO_TABLES)
    crawl.run()
    server.sql(f"REVOKE INSERT ON ticker FROM {role}")
    crawl.crawl.finish(30)
    assert_spooled(crawl)
    server.sql(f"GRANT INSERT ON ticker TO {role}")
    assert len(crawl.spooled()) > 0
    assert crawl.replay(NO_TABLES).startswith("replayed: ")
    assert_replayed(crawl, verdict, "spooled, then replayed")


def test_crawl_ends_well_under_a_role_with_few_rights(
    begin: Begin, server: TroubledServer, role_url: str
) -> None:
    """Every statement of a whole crawl is allowed."""
    crawl = begin(role_url, NO_TABLES)
    crawl.run(200)
    assert crawl.enough() == 0, crawl.crawl.log
    assert not crawl.refused
    assert crawl.stat("retries") == 0
    assert column(server.url, "SELECT status FROM snapshot_runs") == ["finished"]
