"""A real PgBouncer in transaction mode, where this machine has one, and its other clients."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from tests.postgresql import free_port, identity, unprivileged_user

Settings: TypeAlias = Mapping[str, str]

SETTINGS = "SELECT name, setting FROM pg_settings"
MISSING = "no pgbouncer is installed (Debian: apt-get install pgbouncer)"
PATIENCE = 20
"""Seconds in which it must take connections."""

_CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port} user=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
"""


def pgbouncer_binary() -> str | None:
    """Its path, also where that of a user leaves out /usr/sbin."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextlib.contextmanager
def running_pgbouncer(binary: str, server_port: int) -> Iterator[int]:
    """One in front of a server, with one session for all clients of a database; gives its port."""
    port, user = free_port(), unprivileged_user()
    with tempfile.TemporaryDirectory(prefix="snapshot-pgbouncer-") as folder:
        file = Path(folder, "pgbouncer.ini")
        file.write_text(_CONFIGURATION.format(server_port=server_port, port=port))
        if user is not None:  # it refuses to run as root
            Path(folder).chmod(0o755)
        with Path(folder, "output").open("wb") as output:
            process = subprocess.Popen(
                [binary, str(file)], stdout=output, stderr=output, **identity(user)
            )
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, "pgbouncer does not run"
            assert time.monotonic() < deadline, "pgbouncer takes no connection"
            time.sleep(0.02)
        else:
            return


def set_apart(url: str) -> None:
    """Give a database a zone that is neither the server's nor ours; for sessions from now on."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        name = engine.dialect.identifier_preparer.quote(engine.url.database or "")
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET timezone = 'Asia/Kathmandu'")


def settings_of(connection: sa.Connection) -> Settings:
    """All that there are."""
    return {row.name: row.setting for row in connection.exec_driver_sql(SETTINGS)}


class Neighbour:
    """Another client of the pool."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")

    def settings(self) -> Settings:
        """As it finds them."""
        with self._engine.connect() as connection:
            return settings_of(connection)

    def session(self) -> int:
        """The one that serves it."""
        with self._engine.connect() as connection:
            return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())

    def close(self) -> None:
        """Leave."""
        self._engine.dispose()
