"""What a transaction on a server sets for itself alone.

Nothing is set on a session: behind a pooler such as PgBouncer in transaction mode a session serves
other clients between two transactions of ours, and they would find our limits and plans in it.
"""

from __future__ import annotations

_LOCK_TIMEOUT = 5.0  # seconds; as during a migration
_IN_UTC = "set_config('TimeZone', 'UTC', true)"
"""In other zones the first and the last hours of the calendar are in years that Python lacks."""


def transaction_settings(write_timeout: float | None) -> str:
    """A statement that sets, until the transaction ends, what all statements of ours rely on.

    `write_timeout` is in seconds; None: no limits but those that the server has.  Limits that the
    URL or the role has set stand.

    Every statement looks up a batch of ids in an index.  Of a table that grew since it was last
    analysed the planner thinks otherwise, and reads all of it.  And it takes a batch for small
    enough to be sorted where an index has the order, or a hash needs none.
    """
    limits = [] if write_timeout is None else _limits(write_timeout)
    unwanted = _where_known(enable_seqscan="off", enable_sort="off", jit="off")
    return _select(_IN_UTC, *unwanted, *limits)


def planner_settings(**values: str) -> str:
    """A statement that sets these parameters, where the server has them, likewise."""
    return _select(*_where_known(**values))


def _select(*expressions: str) -> str:
    return f"SELECT {', '.join(expressions)}"


def _where_known(**values: str) -> list[str]:
    return [
        f"CASE WHEN current_setting('{name}', true) IS NOT NULL "
        f"THEN set_config('{name}', '{value}', true) END"
        for name, value in values.items()
    ]


def _limits(write_timeout: float) -> list[str]:
    """Below the watchdog's time, so that it has to free us from a frozen server only."""
    seconds = {
        "statement_timeout": 0.8 * write_timeout,
        "lock_timeout": min(_LOCK_TIMEOUT, 0.4 * write_timeout),
        "idle_in_transaction_session_timeout": 2 * write_timeout,
    }
    return [
        f"CASE WHEN current_setting('{name}') IN ('0', '0s') "
        f"THEN set_config('{name}', '{round(limit * 1000)}', true) END"
        for name, limit in seconds.items()
    ]
