"""Which servers are warned of, without any server."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy.engine import make_url

from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.connection.tls import unverified_host

BASE = "postgresql+psycopg2://"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("u:p@db.example/odds", "db.example"),
        ("u@db.example:5432/odds?sslmode=require", "db.example"),
        ("u@db.example/odds?sslmode=prefer", "db.example"),
        ("u@10.0.0.7/odds", "10.0.0.7"),
        ("u@[2001:db8::1]:5432/odds", "2001:db8::1"),
        ("u@/odds?host=localhost:5432&host=db.example:5433", "db.example"),
        ("u@/odds?host=localhost,db.example", "db.example"),
        ("u@/odds?host=[2001:db8::1]:5432", "2001:db8::1"),
        ("u@localhost.example/odds", "localhost.example"),
    ],
)
def test_a_server_elsewhere_without_verified_tls_is_named(url: str, host: str) -> None:
    """Encryption alone, as with `require`, proves nothing."""
    assert unverified_host(make_url(BASE + url), {}) == host


@pytest.mark.parametrize(
    "url",
    [
        "u@localhost/odds",
        "u@LOCALHOST:5432/odds",
        "u@127.0.0.1/odds",
        "u@127.9.9.9/odds",
        "u@[::1]:5432/odds",
        "u@/odds",
        "u@/odds?host=/var/run/postgresql",
        "u@db.example/odds?sslmode=verify-full",
        "u@db.example/odds?sslmode=verify-ca",
        "u@/odds?host=one.example&host=two.example&sslmode=verify-full",
    ],
)
def test_a_local_server_and_verified_tls_are_trusted(url: str) -> None:
    """Nothing is said of a way that needs no proof, or has one."""
    assert unverified_host(make_url(BASE + url), {}) is None


def test_libpqs_variables_count_where_the_url_says_nothing() -> None:
    """PGSSLMODE and PGHOST are what libpq takes then; the URL goes before them."""
    verified = {"PGSSLMODE": "verify-full"}
    elsewhere = {"PGHOST": "db.example"}
    assert unverified_host(make_url(f"{BASE}u@db.example/odds"), verified) is None
    assert unverified_host(make_url(f"{BASE}u@/odds"), elsewhere) == "db.example"
    assert unverified_host(make_url(f"{BASE}u@localhost/odds"), elsewhere) is None
    weaker = make_url(f"{BASE}u@db.example/odds?sslmode=require")
    assert unverified_host(weaker, verified) == "db.example"


def test_one_warning_with_setting_host_and_cure_and_no_credential(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine is made once a crawl, so the log has it once."""
    monkeypatch.delenv("PGSSLMODE", raising=False)
    with caplog.at_level(logging.INFO):
        connect_engine(f"{BASE}anna:s3cr3t@db.example/odds", connect_timeout=10)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    text = record.getMessage()
    assert "SNAPSHOT_DATABASE_URL" in text
    assert "db.example" in text
    assert "sslmode=verify-full" in text
    assert "anna" not in text
    assert "s3cr3t" not in text


@pytest.mark.parametrize("url", ["sqlite:///odds.db", f"{BASE}anna@127.0.0.1/odds"])
def test_no_warning_where_there_is_nothing_to_prove(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A file and a server on the same machine are what most people start with."""
    with caplog.at_level(logging.INFO):
        connect_engine(url, connect_timeout=10)
    assert caplog.records == []
