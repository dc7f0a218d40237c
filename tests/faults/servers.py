"""Trouble for a PostgreSQL server: what an operator, a kernel or a failover can do to it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator

import sqlalchemy as sa

from tests.crawl.crawls import PATIENCE
from tests.postgresql import PostgresServer, identity


class TroubledServer:
    """A server with one database, and what can be done to both."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.name = f"looks_{uuid.uuid4().hex}"
        self._frozen: list[int] = []
        self.sql(f"CREATE DATABASE {self.name}", database="postgres")

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database."""
        return self.url_on(self.server.port)

    def url_on(self, port: int, query: str = "", user: str = "postgres") -> str:
        """The same through another port, with libpq options, or as another role."""
        return f"postgresql+psycopg2://{user}@127.0.0.1:{port}/{self.name}{query}"

    def sql(self, *statements: str, database: str | None = None) -> None:
        """Execute statements, each in a transaction of its own."""
        url = sa.make_url(self.url).set(database=database or self.name)
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    @contextlib.contextmanager
    def session(self) -> Iterator[sa.Connection]:
        """A session of somebody else, which is rolled back at the end."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            yield connection

    def backends(self, also: str = "true") -> list[int]:
        """The process ids of the sessions on the database."""
        query = sa.text(
            "SELECT pid FROM pg_stat_activity WHERE datname = :name"  # noqa: S608
            f" AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND {also}"
        )
        with self.session() as connection:
            return list(connection.execute(query, {"name": self.name}).scalars())

    def terminate_backends(self, also: str = "true") -> int:
        """End these sessions as an administrator does, and give their number."""
        pids = self.backends(also)
        for pid in pids:
            self.sql(f"SELECT pg_terminate_backend({pid})")
        return len(pids)

    def kill_backend(self) -> None:
        """Kill a session with `kill -9`; the server then restarts itself, with crash recovery."""
        os.kill(self.backends()[0], signal.SIGKILL)

    def freeze_backends(self) -> None:
        """Stop the processes of the current sessions; their sockets stay open."""
        for pid in self.backends():
            self._freeze(pid)

    def freeze_postmaster(self) -> None:
        """Stop the postmaster: the kernel accepts new connections, and nobody serves them."""
        pid = int((self.server.data_dir / "postmaster.pid").read_text().split()[0])
        self._freeze(pid)

    def thaw(self) -> None:
        """Continue all stopped processes."""
        for pid in self._frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._frozen.clear()

    def read_only(self, value: str) -> None:
        """Make every transaction read-only from the next one on, as after a failover."""
        self.configure("default_transaction_read_only", value)

    def configure(self, name: str, value: str) -> None:
        """Change a parameter of the running server."""
        self.sql(f"ALTER SYSTEM SET {name} = '{value}'", "SELECT pg_reload_conf()")

    def limit_file_size(self, size: int) -> None:
        """Let no current session write a file beyond `size` bytes, as if the disk were full."""
        for pid in self.backends():
            # Only its own user may do this; root in a container often may not.
            subprocess.run(
                ["prlimit", "--pid", str(pid), f"--fsize={size}:"],
                check=True,
                **identity(self.server.owner),
            )

    def smart_stop(self) -> None:
        """Ask for the shutdown that waits for the sessions and refuses new ones meanwhile."""
        pid = int((self.server.data_dir / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGTERM)

    def wait_until_stopped(self) -> None:
        """Wait for the end of a `smart_stop`."""
        deadline = time.monotonic() + PATIENCE
        while (self.server.data_dir / "postmaster.pid").exists():
            assert time.monotonic() < deadline, "the server does not stop"
            time.sleep(0.05)

    def heal(self) -> None:
        """Undo everything, for the next test."""
        self.thaw()
        with contextlib.suppress(subprocess.CalledProcessError):
            self.server.start()
        wait_for_server(self)
        self.sql("ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()", database="postgres")
        self.sql(f"DROP DATABASE {self.name} WITH (FORCE)", database="postgres")

    def _freeze(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        self._frozen.append(pid)


def wait_for_server(server: TroubledServer) -> None:
    """Wait until a server accepts connections and writes again, as after crash recovery."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            server.sql("SET default_transaction_read_only = off", database="postgres")
        except sa.exc.OperationalError:
            assert time.monotonic() < deadline, "the server does not come up"
            time.sleep(0.1)
        else:
            return
