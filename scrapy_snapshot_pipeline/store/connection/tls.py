"""Whether the connection to a PostgreSQL server is proven to reach that server.

Judged by its URL and by libpq's environment variables.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from sqlalchemy.engine import URL

_VERIFIED = ("verify-ca", "verify-full")
"""Values of libpq's `sslmode`.  `require` encrypts, but to whoever answers."""


def unverified_host(url: URL, environ: Mapping[str, str]) -> str | None:
    """The first server of the URL that is reached over a network without verified TLS, if any.

    `environ` holds PGHOST and PGSSLMODE, which count where the URL says nothing.
    """
    mode = url.query.get("sslmode") or environ.get("PGSSLMODE")
    if mode in _VERIFIED:
        return None
    return next((host for host in _hosts(url, environ) if not _is_local(host)), None)


def _hosts(url: URL, environ: Mapping[str, str]) -> Iterator[str]:
    """The query may name several, each with a port: `?host=one:5432&host=two:5432`."""
    named = url.query.get("host") or url.host or environ.get("PGHOST", "")
    for text in (named,) if isinstance(named, str) else named:
        yield from map(_without_port, text.split(","))


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host


def _is_local(host: str) -> bool:
    """Also true of the folder of a socket, and of no host, which is libpq's own socket."""
    if not host or host.startswith(("/", "@")) or host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False
