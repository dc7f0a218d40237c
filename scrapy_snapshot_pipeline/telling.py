"""The last word on each record, told to whoever waits for it, some in every turn of the loop.

Each word sends an item of Scrapy's on its way, and lets the spider make the next.  Those of a batch
of 500 in one turn kept the reactor from everything else for up to 0.3 s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from scrapy_snapshot_pipeline.flight import Pending
from scrapy_snapshot_pipeline.nap import CallLater, Cancellable
from scrapy_snapshot_pipeline.records import DeliveryReport

PER_TURN = 50
"""Records; they take some 5 ms."""


class Teller:
    """Tells in the order in which it was handed the words.  Reactor thread only."""

    def __init__(self, call_later: CallLater) -> None:
        self._call_later = call_later
        self._left: deque[tuple[Pending, DeliveryReport]] = deque()
        self._next_turn: Cancellable | None = None
        self._telling = False

    def __len__(self) -> int:
        """Records whose word is not told yet."""
        return len(self._left)

    def tell(self, words: Iterable[tuple[Pending, DeliveryReport]]) -> None:
        """Tell the first of them now, and the others in the next turns."""
        self._left.extend(words)
        if self._next_turn is None and not self._telling:
            self._tell_some()

    def tell_all(self) -> None:
        """Tell everything before returning."""
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None
        while self._left:
            self._tell_first()

    def _tell_some(self) -> None:
        self._next_turn = None
        self._telling = True
        for _ in range(PER_TURN):
            if not self._left:
                break
            self._tell_first()
        self._telling = False
        if self._left:
            self._next_turn = self._call_later(0, self._tell_some)

    def _tell_first(self) -> None:
        # Taken out before it is told, since who is told may come back here.
        entry, report = self._left.popleft()
        entry.delivered.callback(report)
