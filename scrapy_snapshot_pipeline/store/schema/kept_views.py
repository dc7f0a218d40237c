"""What others have on our views, which are dropped and made again when a class changes.

On PostgreSQL a view has grants, which go with it, and may have views of the user's on top of it,
which keep it from being dropped.  SQLite has neither.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from scrapy_snapshot_pipeline.errors import SchemaMismatchError
from scrapy_snapshot_pipeline.safe_text import printable
from scrapy_snapshot_pipeline.store.schema.plan import DropView, MakeView, Step, WidenColumn

logger = logging.getLogger(__name__)

_OURS = """
FROM pg_catalog.pg_class v
JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace AND n.nspname = current_schema()
"""
_ON_TOP = sa.text(
    f"""
SELECT DISTINCT v.relname, top.relname {_OURS}
JOIN pg_catalog.pg_depend d ON d.refobjid = v.oid
JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
JOIN pg_catalog.pg_class top ON top.oid = r.ev_class AND top.oid <> v.oid
WHERE v.relname IN :names
UNION
SELECT v.relname, 'a role that owns it' {_OURS}
WHERE v.relname IN :names AND NOT pg_has_role(v.relowner, 'USAGE')
ORDER BY 1, 2
"""
).bindparams(sa.bindparam("names", expanding=True))
_GRANTS = sa.text(
    f"""
SELECT v.relname, format(
    'GRANT %s ON %I TO %s%s', a.privilege_type, v.relname,
    CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
{_OURS} CROSS JOIN LATERAL aclexplode(v.relacl) a
WHERE v.relname IN :names AND a.grantee <> v.relowner
ORDER BY 1, 2
"""
).bindparams(sa.bindparam("names", expanding=True))


_ON_COLUMN = sa.text(
    """
SELECT DISTINCT top.relname
FROM pg_catalog.pg_class t
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace AND n.nspname = current_schema()
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attname = :column
JOIN pg_catalog.pg_depend d ON d.refobjid = t.oid AND d.refobjsubid = a.attnum
JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
JOIN pg_catalog.pg_class top ON top.oid = r.ev_class
WHERE t.relname = :table
ORDER BY 1
"""
)


def keep_views(connection: Connection, steps: Sequence[Step]) -> tuple[list[Step], list[str]]:
    """The steps without those for a view that must stay, and the statements that give grants back.

    A view that stays shows what it has shown; a warning names it and what is built on it.

    Raises SchemaMismatchError where a column must be widened that such a view shows.
    """
    names = [step.name for step in steps if isinstance(step, DropView)]
    if connection.dialect.name == "sqlite" or not names:
        return list(steps), []
    stays: defaultdict[str, list[str]] = defaultdict(list)
    for view, reason in connection.execute(_ON_TOP, {"names": names}):
        stays[view].append(reason)
    for view, reasons in stays.items():
        _warn(view, reasons)
    kept = [step for step in steps if _view(step) not in stays]
    _check_widened(connection, kept)
    found = connection.execute(_GRANTS, {"names": names})
    return kept, [grant.replace("%", "%%") for view, grant in found if view not in stays]


def _check_widened(connection: Connection, steps: Sequence[Step]) -> None:
    """PostgreSQL does not alter the type of a column that a view shows."""
    dropped = {step.name for step in steps if isinstance(step, DropView)}
    for column in (step.column for step in steps if isinstance(step, WidenColumn)):
        values = {"table": column.table.name, "column": column.name}
        found = connection.execute(_ON_COLUMN, values).scalars()
        views = [printable(view) for view in found if view not in dropped]
        if views:
            raise SchemaMismatchError(
                f"column {column.name} of table {column.table.name} must take longer values, "
                f"which is impossible while it is shown by view {', '.join(views)}; drop what is "
                "built on it, start again, and make it again; or restore the declaration"
            )


def _view(step: Step) -> str | None:
    match step:
        case DropView(name):
            return name
        case MakeView(view):
            return view.name
    return None


def _warn(view: str, reasons: Sequence[str]) -> None:
    logger.warning(
        "view %s stays as it was, without the fields that are new to its table: %s; drop what is "
        "built on it and the view, and start again",
        printable(view),
        ", ".join(map(printable, reasons)),
    )
