"""Notifies whoever submitted a record of its report, for a few records in each turn of the loop.

Each notification lets an item of Scrapy's go on, and the spider make the next one.  To notify a
whole batch in one turn would hold up everything else on the reactor; see the benchmark, section D.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from scrapy_snapshot_pipeline.delivery import log as delivery_log
from scrapy_snapshot_pipeline.delivery.in_flight import Pending
from scrapy_snapshot_pipeline.reactor.timers import CallLater, Cancellable
from scrapy_snapshot_pipeline.records import DeliveryReport

PER_TURN = 50
"""Records; few enough that a turn stays short."""


def call_listener(listener: Callable[..., object], *args: object) -> None:
    """Call `listener`; an exception that it raises is logged, and goes no further.

    One is raised, for example, where the loop of whoever waits is closed already.
    """
    try:
        listener(*args)
    except Exception as error:  # noqa: BLE001
        delivery_log.callback_failed(listener.__name__, error)


class Notifier:
    """Notifies in the order in which it is given the reports.  Reactor thread only.

    Reports of one batch at most are left for later turns: they are notified at the latest when
    the next batch comes.
    """

    def __init__(self, call_later: CallLater) -> None:
        self._call_later = call_later
        self._left: deque[tuple[Pending, DeliveryReport]] = deque()
        self._next_turn: Cancellable | None = None
        self._notifying = False
        self._held = False
        self._finished = False

    def __len__(self) -> int:
        """Reports that are left for later."""
        return len(self._left)

    def notify(self, reports: Iterable[tuple[Pending, DeliveryReport]]) -> None:
        """Notify of the first reports now, and of the others in the next turns."""
        older = len(self._left)
        self._left.extend(reports)
        if self._held or self._notifying:
            return
        if self._finished:
            self._notify_first(len(self._left))
            return
        self._cancel_next_turn()
        self._notify_first(older)
        self._notify_slice()

    def hold(self) -> None:
        """Only collect until `finish`, which must follow: the loop may have no other turn."""
        self._held = True

    def finish(self) -> None:
        """Notify of everything before returning, and from now on at once."""
        self._held, self._finished = False, True
        self._cancel_next_turn()
        while self._left:
            self._notify_first(len(self._left))

    def _notify_slice(self) -> None:
        self._next_turn = None
        self._notify_first(PER_TURN)
        if self._left and not (self._held or self._finished):
            self._next_turn = self._call_later(0, self._notify_slice)

    def _notify_first(self, most: int) -> None:
        self._notifying = True  # a listener may give us another report, or ask us to finish
        try:
            for _ in range(most):
                if not self._left:
                    break
                pending, report = self._left.popleft()
                call_listener(pending.notify, report)
        finally:
            self._notifying = False

    def _cancel_next_turn(self) -> None:
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None
