"""What a real server and a real PgBouncer refuse at connect."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from scrapy_snapshot_pipeline.errors import OutageError, RefusedError, WriteError
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.snapshot_store import SnapshotStore
from tests.postgresql import PostgresServer, identity

pytestmark = pytest.mark.postgresql

SECRET = "canary0secret"  # noqa: S105 - the canary
BOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
OPENSSL = shutil.which("openssl")


def error_of(url: str) -> WriteError:
    """The error of a start there; it has no secret."""
    store = SnapshotStore(connect_engine(f"postgresql+psycopg2://{url}", connect_timeout=3))
    with contextlib.closing(store), pytest.raises(WriteError) as caught:
        store.declare([])
    assert SECRET not in str(caught.value)
    return caught.value


@pytest.fixture
def address(private_postgresql: PostgresServer) -> str:
    """Host and port of a server that asks `locked` for a password and lets `barred` not in."""
    server = private_postgresql
    entries = server.data_dir / "pg_hba.conf"
    rules = "host all locked all scram-sha-256\nhost all barred all reject\n"
    entries.write_text(rules + entries.read_text())
    engine = sa.create_engine(server.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in (
            "CREATE ROLE locked LOGIN PASSWORD 'right'",
            "CREATE ROLE barred LOGIN",
            "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0",
            "SELECT pg_reload_conf()",
        ):
            connection.exec_driver_sql(statement)
    return f"127.0.0.1:{server.port}"


def test_what_postgresql_refuses(address: str) -> None:
    """Each with the SQLSTATE that libpq drops."""
    for user, rest, code in (
        (f"locked:{SECRET}", "postgres", "28P01"),
        ("locked", "postgres", ""),
        (f"barred:{SECRET}", "postgres", "28000"),
        (f"nobody:{SECRET}", "postgres", "28000"),
        (f"postgres:{SECRET}", "gone", "3D000"),
        (f"postgres:{SECRET}", "postgres?options=-c%20nope%3D1", "42704"),
        (f"postgres:{SECRET}", "postgres?sslmode=foo", ""),
    ):
        error = error_of(f"{user}@{address}/{rest}")
        assert (type(error), error.cause.code) == (RefusedError, code), error
    error = error_of(f"crowded:{SECRET}@{address}/postgres")
    assert (type(error), error.cause.code) == (OutageError, "53300")


@contextlib.contextmanager
def _bouncer(server: PostgresServer, settings: str) -> Iterator[str]:
    """A PgBouncer with these settings and the databases `shop` and `gone`; gives its address."""
    if BOUNCER is None:
        pytest.skip("no pgbouncer is installed (Debian: apt-get install pgbouncer)")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    at = f"host=127.0.0.1 port={server.port} user=postgres"
    file = server.home / "pgbouncer.ini"
    file.write_text(
        f"[databases]\nshop = {at} dbname=postgres\ngone = {at} dbname=gone\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n{settings}\n"
    )
    with (server.home / "bouncer-output").open("wb") as output:
        process = subprocess.Popen(
            [BOUNCER, str(file)], stdout=output, stderr=output, **identity(server.owner)
        )
    try:
        _wait_for(port)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "pgbouncer takes no connection"
            time.sleep(0.02)
        else:
            return


def test_what_pgbouncer_refuses(private_postgresql: PostgresServer) -> None:
    """It answers for the server, in words of its own."""
    users = private_postgresql.home / "users"
    users.write_text('"postgres" "right"\n')
    settings = f"auth_type = md5\nauth_file = {users}"
    with _bouncer(private_postgresql, settings) as address:
        for user, rest, text in (
            (f"postgres:{SECRET}", "shop", "password authentication failed"),
            ("postgres:right", "unknown", "no such database: unknown"),
            ("postgres:right", "gone", 'database "gone" does not exist'),
            ("postgres:right", "shop?options=-c%20geqo%3Doff", "unsupported startup parameter"),
        ):
            error = error_of(f"{user}@{address}/{rest}")
            assert type(error) is RefusedError, error
            assert text in str(error)
    with _bouncer(private_postgresql, "auth_type = any\nmax_client_conn = 1") as address:
        engine = sa.create_engine(f"postgresql+psycopg2://postgres@{address}/shop")
        with engine.connect():
            error = error_of(f"postgres@{address}/shop")
        engine.dispose()
        assert (type(error), error.cause.code) == (OutageError, "53300")


@pytest.mark.skipif(OPENSSL is None, reason="no openssl is installed, which makes the certificate")
def test_a_certificate_that_does_not_match(private_postgresql: PostgresServer) -> None:
    """Of another host, or of an authority that is not trusted."""
    key, certificate = _certificate(private_postgresql, "elsewhere.example")
    settings = (
        "auth_type = any\nclient_tls_sslmode = require\n"
        f"client_tls_key_file = {key}\nclient_tls_cert_file = {certificate}"
    )
    with _bouncer(private_postgresql, settings) as address:
        for query, text in (
            (f"sslmode=verify-full&sslrootcert={certificate}", "does not match host name"),
            ("sslmode=verify-full&sslrootcert=/no/such/file", "does not exist"),
            ("sslmode=disable", "SSL required"),
        ):
            error = error_of(f"postgres:{SECRET}@{address}/shop?{query}")
            assert type(error) is RefusedError, error
            assert text in str(error)
            assert "certificate of the server" in str(error)


def _certificate(server: PostgresServer, name: str) -> tuple[Path, Path]:
    assert OPENSSL is not None
    key, certificate = server.home / "key", server.home / "certificate"
    options = f"-x509 -newkey rsa:2048 -nodes -days 3 -subj /CN={name}".split()
    files = ["-keyout", str(key), "-out", str(certificate)]
    name_of_host = ["-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run(
        [OPENSSL, "req", *options, *name_of_host, *files], check=True, capture_output=True
    )
    if server.owner is not None:
        os.chown(key, server.owner.pw_uid, server.owner.pw_gid)
    return key, certificate
