"""Other pipelines of the project, whose `close_spider` fails."""

from __future__ import annotations

from scrapy.utils.asyncio import call_later
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.defer import Deferred


class NeighbourError(Exception):
    """An error that is not ours."""


class FailsAtOnce:
    """Raises before anything could be awaited."""

    def close_spider(self) -> None:
        """Fail."""
        raise NeighbourError


class FailsLater:
    """Raises while the others are closing."""

    async def close_spider(self) -> None:
        """Fail after a while."""
        slept: Deferred[None] = Deferred()
        call_later(0.1, slept.callback, None)
        await maybe_deferred_to_future(slept)
        raise NeighbourError
