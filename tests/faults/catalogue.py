"""The catalogue of faults: what can go wrong around a crawl, by number."""

from __future__ import annotations

from collections.abc import Iterator

FAULTS = {
    1: "database down at open",
    2: "database comes up after open",
    3: "wrong password or database name",
    4: "server restart mid-crawl",
    5: "smart shutdown, server starting up",
    6: "backend terminated",
    7: "backend killed, crash recovery",
    8: "stale pooled connection",
    9: "reset before COMMIT",
    10: "reset after COMMIT",
    11: "late commit of the first attempt",
    12: "frozen server",
    13: "frozen postmaster on connect",
    14: "deadlock",
    15: "serialization failure",
    16: "lock timeout",
    17: "statement timeout",
    18: "idle-in-transaction timeout",
    19: "too many connections",
    20: "server's disk full",
    21: "limit of temporary files",
    22: "read-only after a failover",
    23: "permission revoked mid-crawl",
    24: "table dropped mid-crawl",
    25: "column dropped mid-crawl",
    26: "SQLite locked by another process",
    27: "SQLite snapshot busy",
    28: "SQLite file read-only",
    29: "SQLite disk full",
    30: "SQLite file corrupt",
    31: "SQLite file deleted or replaced",
    32: "NUL in text",
    33: "lone surrogate",
    34: "integer overflow",
    35: "NaN and infinity",
    36: "text too long",
    37: "value that is no JSON",
    38: "naive datetime",
    39: "decimal precision",
    40: "huge item",
    41: "10,000 child rows",
    42: "one entity many times in a batch",
    43: "same item again",
    44: "two crawlers, same content",
    45: "two crawlers, other content",
    46: "clock goes backwards",
    47: "kill -9",
    48: "SIGTERM",
    49: "SIGINT twice, server frozen",
    50: "SIGTERM while retrying",
    51: "memory limit",
    52: "slow database",
    53: "shared thread pools starved",
    54: "close while the database is down",
    55: "items of start() at SIGTERM",
    56: "no hang without linger",
    57: "dead letters cannot be written",
    58: "dead letters torn by a crash",
    59: "dead letters replayed twice",
    60: "SQL in values and names",
    61: "identifier too long, reserved",
    62: "path in a spider's name",
    63: "password in logs and rows",
    64: "exit raised in the writer thread",
    65: "swallowed error, then COMMIT",
    66: "pipeline after ours fails",
    67: "no reactor",
    68: "two crawls in one process",
    69: "stats or logging fail",
}

ELSEWHERE = {
    42: "tests/contract/test_store.py",
    43: "tests/contract/test_store.py",
    45: "tests/crawl/test_two_crawlers.py",
    46: "tests/unit/capture/test_clock.py",
    55: "tests/crawl/test_close.py",
    56: "tests/crawl/test_natural_end.py",
    61: "tests/unit/declaration/test_registry.py",
    64: "tests/reactor/test_thread.py",
    67: "tests/crawl/test_natural_end.py",
    69: "tests/unit/delivery/test_sender.py",
}
"""Faults that are tested in another part of the suite, with the file."""

NOT_HERE: dict[int, str] = {}
"""Faults of the catalogue that cannot be produced on one machine, and why."""

BEYOND = {
    "power loss": "the durability of fsync cannot be tried without cutting the power",
    "TLS refused or downgraded": "the server binaries of the suite are built without TLS",
    "failover to a real standby": "replication lag and promotion need a second machine's clock and"
    " disk; 22 has what the client sees of it",
    "split network": "needs two hosts or the right to change the routing; the proxy stands in",
    "SQLite on NFS": "needs a file server; not supported",
}
"""Faults beyond the catalogue that cannot be produced on one machine, and why."""


def others() -> Iterator[str]:
    """Lines about the faults that have no row in the table."""
    yield ""
    yield "in other parts of the suite:"
    for number, file in ELSEWHERE.items():
        yield f"  {number}  {FAULTS[number]}: {file}"
    yield ""
    yield "cannot be produced on one machine:"
    for number, why in NOT_HERE.items():
        yield f"  {number}  {FAULTS[number]}: {why}"
    for fault, why in BEYOND.items():
        yield f"  {fault}: {why}"
