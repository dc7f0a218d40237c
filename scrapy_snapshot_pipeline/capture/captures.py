"""Finds the capture of an item's class; a class that is new to the crawl is prepared once.

A coroutine here awaits Deferreds only, which come from `create_tables` and from `Once`, so this
module imports no Twisted.  Reactor thread only.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Sequence

from scrapy_snapshot_pipeline.capture.compile import Capture, compile_capture
from scrapy_snapshot_pipeline.declaration.registry import Declarations
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import WriteError
from scrapy_snapshot_pipeline.reactor.once import Once

logger = logging.getLogger(__name__)


class Captures:
    """The captures of one crawl."""

    def __init__(
        self,
        declarations: Declarations,
        create_tables: Callable[[Sequence[Declaration]], Awaitable[None]],
        *,
        naive_timezone: dt.tzinfo | None,
        max_bytes: int | None,
    ) -> None:
        """`create_tables` creates or checks the tables of declarations.

        `naive_timezone` and `max_bytes` are those of `compile_capture`.
        """
        self._declarations = declarations
        self._create_tables = create_tables
        self._naive_timezone = naive_timezone
        self._max_bytes = max_bytes
        self._preparations: dict[type, Once] = {}
        self.ready: dict[type, Capture | None] = {}
        """Capture by class, for the classes that were prepared; None: the class is undeclared.

        Every item is looked up here, so this is a plain dict.
        """
        self.tables: dict[str, Declaration] = {}
        """Declarations by table, for the classes that were prepared."""

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

        Items of a class that come while it is being prepared wait for the same preparation.  After
        a WriteError the next item begins a new one; any other error is raised for every later item.
        """
        if item_class in self.ready:
            return
        declaration = self._declarations.of(item_class)
        if declaration is None:
            self.ready[item_class] = None
            _warn_undeclared(item_class)
        else:
            await self._preparation(declaration).wait()

    def _preparation(self, declaration: Declaration) -> Once:
        item_class = declaration.item_class
        if item_class not in self._preparations:
            self._preparations[item_class] = Once(lambda: self._prepare(declaration))
        return self._preparations[item_class]

    async def _prepare(self, declaration: Declaration) -> None:
        try:
            await self._create_tables([declaration])
        except WriteError:
            del self._preparations[declaration.item_class]
            raise
        self._add(declaration)

    def _add(self, declaration: Declaration) -> None:
        self.tables[declaration.table] = declaration
        self.ready[declaration.item_class] = compile_capture(
            declaration, naive_timezone=self._naive_timezone, max_bytes=self._max_bytes
        )


def _warn_undeclared(item_class: type) -> None:
    logger.warning(
        "Items of %s.%s have no @snapshot declaration and no entry in SNAPSHOT_ITEMS; "
        "they pass through and are not stored (counted in snapshots/ignored)",
        item_class.__module__,
        item_class.__qualname__,
    )
