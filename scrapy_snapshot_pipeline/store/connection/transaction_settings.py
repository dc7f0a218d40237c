"""What every transaction on a server sets, for itself alone.

Nothing is set on a session: behind a pooler such as PgBouncer in transaction mode a session serves
other clients between two transactions of ours, and they would find our limits and plans in it.
"""

from __future__ import annotations

_LOCK_TIMEOUT = 5.0  # seconds; as during a migration
_UNWANTED_PLANS = ("enable_seqscan", "enable_sort", "jit")
"""Every statement looks up a batch of ids in an index.  Of a table that grew since it was last
analysed the planner thinks otherwise, and reads all of it.  And it takes a batch for small enough
to be sorted where an index has the order, or a hash needs none."""


def transaction_settings(write_timeout: float | None) -> str:
    """A statement that sets them until the transaction ends.

    `write_timeout` is in seconds; None: no limits but those that the server has.  Limits that the
    URL or the role has set stand, and names that a server does not know are passed over.
    """
    return "SELECT " + ", ".join((_IN_UTC, *_plans(), *_limits(write_timeout)))


_IN_UTC = "set_config('TimeZone', 'UTC', true)"
"""In other zones the first and the last hours of the calendar are in years that Python lacks."""


def _plans() -> list[str]:
    return [
        f"CASE WHEN current_setting('{name}', true) IS NOT NULL "
        f"THEN set_config('{name}', 'off', true) END"
        for name in _UNWANTED_PLANS
    ]


def _limits(write_timeout: float | None) -> list[str]:
    """Below the watchdog's time, so that it has to free us from a frozen server only."""
    if write_timeout is None:
        return []
    seconds = {
        "statement_timeout": 0.8 * write_timeout,
        "lock_timeout": min(_LOCK_TIMEOUT, 0.4 * write_timeout),
        "idle_in_transaction_session_timeout": 2 * write_timeout,
    }
    return [
        f"CASE WHEN current_setting('{name}', true) IN ('0', '0s') "
        f"THEN set_config('{name}', '{round(limit * 1000)}', true) END"
        for name, limit in seconds.items()
    ]
