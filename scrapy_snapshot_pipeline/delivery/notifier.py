"""The last word on each record, told to whoever waits for it, some in every turn of the loop.

Each word sends an item of Scrapy's on its way, and lets the spider make the next.  Those of a batch
of 500 in one turn kept the reactor from everything else for up to 0.3 s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from scrapy_snapshot_pipeline.delivery import log as delivery_log
from scrapy_snapshot_pipeline.delivery.in_flight import Pending
from scrapy_snapshot_pipeline.reactor.timers import CallLater, Cancellable
from scrapy_snapshot_pipeline.records import DeliveryReport

PER_TURN = 50
"""Records; they take some 5 ms."""


def tell(listener: Callable[..., object], *words: object) -> None:
    """Call `listener`; what it raises, as where the loop is closed, is logged and harms nobody."""
    try:
        listener(*words)
    except Exception as error:  # noqa: BLE001
        delivery_log.watcher_failed(listener.__name__, error)


class Notifier:
    """Tells in the order in which it was handed the words.  Reactor thread only.

    Never more than one batch waits: what is left of the one before is told when the next comes.
    """

    def __init__(self, call_later: CallLater) -> None:
        self._call_later = call_later
        self._left: deque[tuple[Pending, DeliveryReport]] = deque()
        self._next_turn: Cancellable | None = None
        self._telling = False
        self._held = False
        self._finished = False

    def __len__(self) -> int:
        """Records whose word is not told yet."""
        return len(self._left)

    def tell(self, words: Iterable[tuple[Pending, DeliveryReport]]) -> None:
        """Tell the first of them now, and the others in the next turns."""
        older = len(self._left)
        self._left.extend(words)
        if self._held or self._telling:
            return
        if self._finished:
            self._tell(len(self._left))
            return
        self._forget_next_turn()
        self._tell(older)
        self._tell_some()

    def hold(self) -> None:
        """Only collect until `finish`, which must follow: there may be no other turn."""
        self._held = True

    def finish(self) -> None:
        """Tell everything before returning, and all that comes later at once."""
        self._held, self._finished = False, True
        self._forget_next_turn()
        while self._left:
            self._tell(len(self._left))

    def _tell_some(self) -> None:
        self._next_turn = None
        self._tell(PER_TURN)
        if self._left and not (self._held or self._finished):
            self._next_turn = self._call_later(0, self._tell_some)

    def _tell(self, most: int) -> None:
        self._telling = True  # who is told may come back here
        try:
            for _ in range(most):
                if not self._left:
                    break
                entry, report = self._left.popleft()
                tell(entry.tell, report)
        finally:
            self._telling = False

    def _forget_next_turn(self) -> None:
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None
