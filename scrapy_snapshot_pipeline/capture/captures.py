"""Finds the capture of an item's class; a class that is new to the crawl is prepared once.

A coroutine here awaits Deferreds only, which come from `create_tables` and from `Once`, so this
module imports no Twisted.  Reactor thread only.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence

from scrapy_snapshot_pipeline.capture.compile import Capture, compile_capture
from scrapy_snapshot_pipeline.capture.undeclared_fields import UndeclaredFields
from scrapy_snapshot_pipeline.capture.unseen_names import UnseenNames
from scrapy_snapshot_pipeline.capture.values.notices import Notice, Notify
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.declaration.tables import Declaration, Role
from scrapy_snapshot_pipeline.errors import CaptureError, ConfigurationError, WriteError
from scrapy_snapshot_pipeline.reactor.once import Once
from scrapy_snapshot_pipeline.records import SnapshotRecord

logger = logging.getLogger(__name__)


class Captures:
    """The captures of one crawl."""

    def __init__(
        self,
        declarations: Declarations,
        create_tables: Callable[[Sequence[Declaration]], Awaitable[None]],
        create_late_tables: Callable[[Sequence[Declaration]], Awaitable[None]],
        *,
        naive_timezone: dt.tzinfo | None,
        max_bytes: int | None,
        spider: Callable[[], str] = str,
    ) -> None:
        """`create_tables` creates or checks tables at the start, `create_late_tables` later.

        Where the database is away, the latter leaves the tables to the first batch for them.

        `naive_timezone` and `max_bytes` are those of `compile_capture`; `spider` gives the name of
        the spider, which is known once the crawl has begun.
        """
        self._declarations = declarations
        self._create_tables = create_tables
        self._create_late_tables = create_late_tables
        self._naive_timezone = naive_timezone
        self._max_bytes = max_bytes
        self._spider = spider
        self._preparations: dict[type, Once] = {}
        self._unseen: dict[type, UnseenNames] = {}
        self.ready: dict[type, Capture | None] = {}
        """Capture by class, for the classes that were prepared; None: the class is undeclared.

        Every item is looked up here, so this is a plain dict.
        """
        self.tables: dict[str, Declaration] = {}
        """Declarations by table, for the classes that were prepared."""
        self.unavailable: dict[str, WriteError] = {}
        """Why the tables of a late class could not be created, by the entity's table."""

    async def prepare_declared(self) -> None:
        """Prepare all classes that are declared by now.

        Raises what `create_tables` raises, and DeclarationError.
        """
        declarations = self._declarations.roots()
        await self._create_tables(declarations)
        for declaration in declarations:
            self._add(declaration)

    async def prepare(self, item_class: type) -> None:
        """Put a class into `ready`, after its tables were created.

        Items of a class that come while it is being prepared wait for the same preparation.  Where
        the database refuses to create its tables, the class is ready, its table `unavailable`: its
        items go to the dead letters.  Raises CaptureError for each item of a class whose
        declaration is wrong, or whose tables are there with other columns.
        """
        if item_class in self.ready:
            return
        try:
            await self._prepare_class(item_class)
        except ConfigurationError as error:
            raise CaptureError(str(error)) from None

    async def _prepare_class(self, item_class: type) -> None:
        declaration = self._declarations.of(item_class)
        if declaration is None:
            self.ready[item_class] = None
            _warn_undeclared(item_class, self._declared_base(item_class))
        else:
            await self._preparation(declaration).wait()

    def _declared_base(self, item_class: type) -> Declaration | None:
        bases = (self._declarations.of(base) for base in item_class.__mro__[1:])
        return next((declaration for declaration in bases if declaration is not None), None)

    def _preparation(self, declaration: Declaration) -> Once:
        item_class = declaration.item_class
        if item_class not in self._preparations:
            self._preparations[item_class] = Once(lambda: self._prepare(declaration))
        return self._preparations[item_class]

    async def _prepare(self, declaration: Declaration) -> None:
        try:
            await self._create_late_tables([declaration])
        except WriteError as error:
            self.unavailable[declaration.table] = error
        self._add(declaration)

    def _add(self, declaration: Declaration) -> None:
        item_class = declaration.item_class
        self.tables[declaration.table] = declaration
        self._unseen[item_class] = UnseenNames(_names_to_see(declaration))
        capture = compile_capture(
            declaration,
            naive_timezone=self._naive_timezone,
            max_bytes=self._max_bytes,
            spider=self._spider(),
            notify=_once_a_class(item_class),
            unseen=self._unseen[item_class],
        )
        undeclared = UndeclaredFields(declaration)
        self.ready[item_class] = (
            capture if undeclared.is_over else self._watching(item_class, capture, undeclared)
        )

    def warn_of_unseen(self) -> None:
        """At the end, name what an option names and no item of a class without types had.

        On a class with types such a name is refused at the start.
        """
        for item_class, unseen in self._unseen.items():
            if unseen.left:
                logger.warning(
                    "No item of %s had the field(s) %s, named in untracked or exclude: see whether "
                    "the name is spelt as in the items, or remove it",
                    _path_of(item_class),
                    ", ".join(unseen.left),
                )

    def _watching(
        self, item_class: type, capture: Capture, undeclared: UndeclaredFields
    ) -> Capture:
        """The same capture until every class was warned of that has fields it does not declare."""

        def watch(item: object, observed_at: dt.datetime, run_id: uuid.UUID) -> SnapshotRecord:
            for found in undeclared.look(item):
                _warn_of_undeclared(found)
            if undeclared.is_over:
                self.ready[item_class] = capture
            return capture(item, observed_at, run_id)

        return watch


def _names_to_see(declaration: Declaration) -> tuple[str, ...]:
    """The fields that options name in a class without types, whose fields nobody knows."""
    if not declaration.untyped:
        return ()
    data = declaration.columns[-1]
    return (*data.untracked_paths, *data.excluded_paths)


def _path_of(item_class: type) -> str:
    return f"{item_class.__module__}.{item_class.__qualname__}"


def _warn_of_undeclared(item_class: type) -> None:
    logger.warning(
        'An item of %s has fields that the class does not declare (extra="allow"); they are not '
        "stored.  Declare those that matter.  This is said once.",
        item_class.__qualname__,
    )


def _once_a_class(item_class: type) -> Notify:
    said: set[Notice] = set()

    def notify(notice: Notice, path: str) -> None:
        if notice not in said:
            said.add(notice)
            logger.warning(
                "%s%s: %s.  This is said once a class.", item_class.__qualname__, path, notice.value
            )

    return notify


def _warn_undeclared(item_class: type, base: Declaration | None) -> None:
    path = _path_of(item_class)
    logger.warning(
        "Items of %s have no @snapshot declaration and no entry in SNAPSHOT_ITEMS; "
        "they pass through and are not stored (counted in snapshots/ignored); to store them, %s",
        path,
        _line_to_add(item_class, path, base),
    )


def _line_to_add(item_class: type, path: str, base: Declaration | None) -> str:
    if base is not None:
        key = tuple(column.name for column in base.columns if column.role is Role.KEY)
        of_base = f"a declaration of its own, as {base.item_class.__qualname__}'s is not inherited"
        return f"add @snapshot(key={key!r}) to it, {of_base}"
    if item_class.__module__ == "builtins":
        name = item_class.__qualname__
        return f'set SNAPSHOT_ITEMS = {{{name}: {{"table": "...", "key": "..."}}}}'
    return f'add @snapshot(key="...") to the class, or "{path}": {{"key": "..."}} to SNAPSHOT_ITEMS'
