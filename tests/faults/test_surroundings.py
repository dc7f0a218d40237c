"""Names, secrets and neighbours of a crawl: faults 62, 63, 65, 66 and 68."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.errors import SystemicError
from scrapy_snapshot_pipeline.store.connection.commit_checks import refuse_dead_transaction
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from tests.crawl.crawls import ROOT
from tests.crawl.database import column
from tests.faults.conftest import Begin, Verdict
from tests.faults.servers import TroubledServer

SECRET = "canary0secret"  # noqa: S105 - the canary

TWO_CRAWLS = """
from scrapy.crawler import CrawlerProcess
from scrapy.utils.project import get_project_settings
settings = get_project_settings()
settings.set("SPIDER_MODULES", ["tests.faults.shop.spiders"], "cmdline")
settings.set("SNAPSHOT_DATABASE_URL", {url!r}, "cmdline")
process = CrawlerProcess(settings)
process.crawl("looks", shard="a", most="20")
process.crawl("looks", shard="b", most="20")
process.start()
"""


@pytest.mark.fault(62)
def test_path_in_a_spider_name(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """The file of dead letters is named after the run, whatever the spider is called."""
    settings = {"SNAPSHOT_OUTAGE_TIMEOUT": 1, "SNAPSHOT_CLOSE_TIMEOUT": 2}
    crawl = begin(server.url, settings, name="../../escaped")
    crawl.run()
    server.server.stop()
    crawl.crawl.finish(30)
    server.server.start()
    [file] = crawl.dead_letters.iterdir()
    assert "escaped" not in file.name
    assert file.stat().st_mode & 0o777 == 0o600
    assert crawl.dead_letters.stat().st_mode & 0o777 == 0o700
    verdict.of("stays in its folder, 0600", crawl)


@pytest.mark.fault(63)
def test_password(begin: Begin, server: TroubledServer, verdict: Verdict) -> None:
    """An outage and its dead letters write the password nowhere."""
    url = server.url.replace("postgres@", f"postgres:{SECRET}@")
    settings = {
        "SNAPSHOT_OUTAGE_TIMEOUT": 1,
        "SNAPSHOT_CLOSE_TIMEOUT": 2,
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMATTER": "tests.faults.shop.quiet.Quiet",
    }
    crawl = begin(url, settings)
    crawl.run()
    server.server.stop()
    crawl.crawl.finish(30)
    server.server.start()
    written = [path for path in crawl.folder.rglob("*") if path.is_file()]
    assert len(written) > 3
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
    assert SECRET not in str(column(server.url, "SELECT snapshot_runs::text FROM snapshot_runs"))
    verdict.of("not written anywhere", crawl)


@pytest.mark.fault(65)
def test_swallowed_error(postgresql_url: str, verdict: Verdict) -> None:
    """PostgreSQL would answer such a COMMIT with a rollback and no error; we raise before it."""
    engine = connect_engine(postgresql_url, connect_timeout=5)
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("SELECT 1")
        refuse_dead_transaction(connection)
        raw = connection.connection.cursor()
        with pytest.raises(Exception, match="no_such_table"):
            raw.execute("SELECT * FROM no_such_table")
        with pytest.raises(SystemicError):
            refuse_dead_transaction(connection)
    engine.dispose()
    verdict("refused before COMMIT", "postgresql")


@pytest.mark.fault(66)
def test_pipeline_after_ours_fails(begin: Begin, sqlite_url: str, verdict: Verdict) -> None:
    """Our commit stands, although the item is an item error."""
    pipelines = '{"tests.faults.shop.after.FailsAfter": 990}'
    crawl = begin(sqlite_url, {"ITEM_PIPELINES": pipelines}, most=10)
    assert crawl.crawl.finish() == 0, crawl.crawl.log
    assert len(crawl.refused) == 110
    assert not crawl.acknowledged
    assert column(sqlite_url, "SELECT count(*) FROM ticker") == [60]
    verdict.of("our commit stands", crawl)


@pytest.mark.crawl
@pytest.mark.fault(68)
def test_two_crawls_in_one_process(tmp_path: Path, database_url: str, verdict: Verdict) -> None:
    """Each crawl has its own connection, thread, run and counters."""
    program = TWO_CRAWLS.format(url=database_url)
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "SCRAPY_SETTINGS_MODULE": "tests.crawl.shop.settings"},
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert column(database_url, "SELECT status FROM snapshot_runs") == ["finished"] * 2
    assert column(database_url, "SELECT accepted FROM snapshot_runs") == [210] * 2
    engine = sa.make_url(database_url).get_backend_name()
    verdict("apart", engine)
