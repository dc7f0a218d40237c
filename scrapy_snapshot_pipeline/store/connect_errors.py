"""What a server, or the pooler in front of it, means by refusing a connection.

libpq keeps the text of such a refusal and drops its SQLSTATE, so the text has to do.  A server may
translate it: a text that is not recognised is shown as it is, and the database is waited for.
A refusal quotes names of hosts, users and databases, and never a scraped value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy.engine import URL

from scrapy_snapshot_pipeline.safe_text import printable


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a connection was not made."""

    code: str = ""
    """The SQLSTATE that a server sends with such a text; empty where none is known."""
    cure: str = "see that the database of SNAPSHOT_DATABASE_URL exists and lets this user in"
    hopeless: bool = False
    """Whether waiting cannot mend it."""


UNKNOWN = Refusal()
NO_FILE = Refusal(
    cure="see that SNAPSHOT_DATABASE_URL names a SQLite file, and that this user may write to it "
    "and to its folder"
)
LOCKED = Refusal(cure="wait until nobody else has it locked")

_PASSWORD = "correct the user and the password in SNAPSHOT_DATABASE_URL"  # noqa: S105 - a cure
_USER = "create this role with the right to log in, or correct the user in SNAPSHOT_DATABASE_URL"
_ENTRY = "let this user in from this machine in pg_hba.conf on the server"
_DATABASE = "create the database, or correct its name in SNAPSHOT_DATABASE_URL"
_GRANT = "grant this user the right to connect to the database"
_PARAMETER = (
    "take the parameter out of SNAPSHOT_DATABASE_URL and PGOPTIONS; for a pooler, set it on the "
    "role or the database instead"
)
_TLS = (
    "see to the certificate of the server, and to host, sslmode and sslrootcert in "
    "SNAPSHOT_DATABASE_URL"
)
_OPTION = "correct this part of SNAPSHOT_DATABASE_URL, or of the PG* variable that stands for it"
_CROWD = "close other connections, or raise the limit on them"
_PATIENCE = "wait until the server is up"
_HOST = "see that the host in SNAPSHOT_DATABASE_URL is spelt right, and that this machine knows it"
_PORT = "see that the server runs, and that host and port in SNAPSHOT_DATABASE_URL are its own"
_WAY = "see that the server runs, and that no firewall is in the way to its host and port"

_HOPELESS = (
    (r"password authentication failed", "28P01", _PASSWORD),
    (r"SASL authentication failed|no password supplied|Tenant or user not found", "", _PASSWORD),
    (r"authentication failed for user", "28000", _PASSWORD),
    (r"pg_hba\.conf", "28000", _ENTRY),
    (r'role "" (does not exist|is not permitted to log in)', "28000", _USER),
    (r"no such user", "", _USER),
    (r'database "" does not exist', "3D000", _DATABASE),
    (r"no such database", "", _DATABASE),
    (r"permission denied for database", "42501", _GRANT),
    (r"unsupported startup parameter", "08P01", _PARAMETER),
    (r"unrecognized configuration parameter", "42704", _PARAMETER),
    (r"invalid value for parameter|invalid command-line argument", "", _PARAMETER),
    (r'parameter "" cannot be|permission denied to set parameter', "", _PARAMETER),
    (r"certificate|does not support SSL|(SSL|TLS|encryption) (is )?required", "", _TLS),
    (r"^invalid |weak sslmode|authentication method \d+ not supported", "", _OPTION),
)
_PASSING = (
    (r"starting up|shutting down|recovery mode|accepting connections", "57P03", _PATIENCE),
    (r"too many (clients|connections)|connection slots|max_client_conn", "53300", _CROWD),
    (r"max clients|no more connections", "", _CROWD),
    (r"could not translate host name", "", _HOST),
    (r"[Cc]onnection refused|No such file or directory", "", _PORT),
    (r"time(out|d out)", "", _WAY),
)
_REFUSALS = (
    *(
        (re.compile(pattern), Refusal(code, cure, hopeless=True))
        for pattern, code, cure in _HOPELESS
    ),
    *((re.compile(pattern), Refusal(code, cure)) for pattern, code, cure in _PASSING),
)
_ATTEMPT = re.compile(r"^(?=connection to server |could not translate )", re.MULTILINE)
"""libpq tries each host and address, with TLS and without, and tells of all of them."""
_WHERE = re.compile(r"^connection to server .*? failed: ")

_QUOTED = re.compile(r'"[^"]*"')
"""A name, which may be any word; the patterns above have it empty."""


def refusal(text: str) -> Refusal:
    """The meaning of libpq's text; of several attempts the first that may yet succeed counts."""
    meanings = [_meaning(attempt) for attempt in _attempts(text)] or [UNKNOWN]
    return next((each for each in meanings if not each.hopeless), meanings[0])


def words(text: str, secrets: Iterable[str]) -> str:
    """What libpq says, on one line: each reason once, without its hints and without `secrets`."""
    reasons = {_WHERE.sub("", attempt): attempt for attempt in reversed(_attempts(text))}
    shown = " / ".join(reversed(reasons.values()))
    for secret in secrets:
        shown = shown.replace(secret, "***")
    return printable(" ".join(shown.split()))


def secrets_of(url: URL, environ: Mapping[str, str]) -> frozenset[str]:
    """What must not be shown: the password, wherever libpq takes it from, as it is and quoted."""
    query = (value for name, value in url.query.items() if "password" in name.lower())
    given = (url.password, environ.get("PGPASSWORD"), *query)
    known = {each for each in given if isinstance(each, str) and each}
    return frozenset(known | {quote(each, safe="") for each in known})


def _attempts(text: str) -> list[str]:
    """The first line of what is told of each attempt; the other lines are hints."""
    parts = (part.strip() for part in _ATTEMPT.split(text))
    return [part.splitlines()[0] for part in parts if part]


def _meaning(attempt: str) -> Refusal:
    reason = _QUOTED.sub('""', _WHERE.sub("", attempt))
    return next((each for pattern, each in _REFUSALS if pattern.search(reason)), UNKNOWN)
