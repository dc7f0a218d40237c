from __future__ import annotations

from typing import Any, cast

import pytest
from scrapy.core.engine import ExecutionEngine, _Slot
from scrapy.core.scraper import Scraper, Slot
from scrapy.crawler import Crawler
from twisted.internet.defer import Deferred

from scrapy_snapshot_pipeline.crawl.engine import KICK_INTERVAL, CrawlEngine
from tests.unit.fakes import ManualClock


class FakeNextCall:
    """Counts how often the engine was woken."""

    def __init__(self) -> None:
        self.scheduled = 0

    def schedule(self) -> None:
        """Wake the engine."""
        self.scheduled += 1


class FakeEngineSlot:
    """As far as `CrawlEngine` looks at it."""

    def __init__(self) -> None:
        self.nextcall = FakeNextCall()
        self.closing: Deferred[None] | None = None


class FakeScraperSlot:
    """Counts items as Scrapy 2.18 and 2.19 do; the slot of older ones is idle while items wait."""

    def __init__(self) -> None:
        self.items = 0
        self.closing: Deferred[Any] | None = None

    def is_idle(self) -> bool:
        """Whether no item is left."""
        return self.items == 0


class FakeScraper:
    """Checks for its closing as Scrapy does."""

    def __init__(self) -> None:
        self.slot = FakeScraperSlot()

    def _check_if_closing(self) -> None:
        if self.slot.closing and self.slot.is_idle():
            self.slot.closing.callback(None)


class FakeEngine:
    """An engine that is open."""

    def __init__(self) -> None:
        self.paused = False
        self.spider: object | None = object()
        self._slot: FakeEngineSlot | None = FakeEngineSlot()
        self.scraper: FakeScraper | None = FakeScraper()
        self.reasons: list[str] = []
        self.scheduled = 0
        """Requests that could be started."""
        self.room = 16
        self.broken = False

    def needs_backout(self) -> bool:
        """Whether it is busy."""
        return not self.room

    def _start_scheduled_request(self) -> bool:
        if self.broken:
            raise ConnectionError("redis.example is gone")
        if not self.scheduled:
            return False
        self.scheduled -= 1
        self.room -= 1
        return True

    def pause(self) -> None:
        """Start no requests."""
        self.paused = True

    def unpause(self) -> None:
        """Start requests again."""
        self.paused = False

    async def close_spider_async(self, *, reason: str) -> None:
        """Keep the reason."""
        self.reasons.append(reason)


class FakeCrawler:
    """Has an engine, or none yet: as None in older versions of Scrapy, as an error in newer."""

    def __init__(self, engine: FakeEngine | None, error: Exception | None = None) -> None:
        self._engine = engine
        self._error = error

    @property
    def engine(self) -> FakeEngine | None:
        """Give it, or raise."""
        if self._error:
            raise self._error
        return self._engine


@pytest.fixture
def engine() -> FakeEngine:
    """Make an engine that is open."""
    return FakeEngine()


@pytest.fixture
def clock() -> ManualClock:
    """Make a clock that the test turns."""
    return ManualClock()


@pytest.fixture
def crawl(engine: FakeEngine, clock: ManualClock) -> CrawlEngine:
    """Make the thing under test over that engine and clock."""
    return CrawlEngine(cast("Crawler", FakeCrawler(engine)), clock.call_later)


def closing_scraper(engine: FakeEngine, items: int) -> Deferred[Any]:
    """Begin the scraper's closing with so many items in flight."""
    assert engine.scraper is not None
    engine.scraper.slot.items = items
    closing: Deferred[Any] = Deferred()
    engine.scraper.slot.closing = closing
    return closing


def test_pause_says_whether_it_paused(engine: FakeEngine, crawl: CrawlEngine) -> None:
    """It did not where somebody else had."""
    assert crawl.pause()
    assert engine.paused
    crawl.unpause()
    engine.pause()
    assert not crawl.pause()


def test_unpause_wakes_the_engine(engine: FakeEngine, crawl: CrawlEngine) -> None:
    """Without waiting for Scrapy's heartbeat of five seconds."""
    crawl.pause()
    crawl.unpause()
    assert not engine.paused
    assert engine._slot is not None
    assert engine._slot.nextcall.scheduled == 1


def test_a_closing_engine_is_not_woken(engine: FakeEngine, crawl: CrawlEngine) -> None:
    """It has cancelled its next call for good."""
    assert engine._slot is not None
    crawl.pause()
    engine._slot.closing = Deferred()
    crawl.unpause()
    assert not engine.paused
    assert engine._slot.nextcall.scheduled == 0


def test_unpause_leaves_a_pause_of_someone_else(engine: FakeEngine, crawl: CrawlEngine) -> None:
    """Only what we paused is ours to unpause."""
    engine.pause()
    crawl.unpause()
    crawl.resume()
    assert engine.paused


def resume(engine: FakeEngine, crawl: CrawlEngine, scheduled: int = 100, room: int = 16) -> None:
    """After a pause, with so many requests to start and room for so many."""
    crawl.pause()
    engine.scheduled, engine.room = scheduled, room
    crawl.resume()


def test_resume_starts_one_request_in_every_other_turn(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """Each brings a page of items, and another turn is left to those that are done."""
    resume(engine, crawl)
    crawl.resume()
    left = [engine.scheduled]
    for _ in range(4):
        clock.turn()
        left.append(engine.scheduled)
    assert left == [99, 99, 98, 98, 97]
    assert engine.paused


@pytest.mark.parametrize(("scheduled", "room"), [(5, 16), (100, 3)])
def test_resume_ends_when_the_engine_is_busy_or_has_nothing_to_start(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock, scheduled: int, room: int
) -> None:
    """From then on the engine goes its own way, and is woken for it."""
    resume(engine, crawl, scheduled, room)
    clock.advance(0)
    assert not engine.paused
    assert engine.scheduled == max(0, scheduled - room)
    assert engine._slot is not None
    assert engine._slot.nextcall.scheduled == 1
    assert clock.calls == []


def test_a_pause_stops_the_resuming(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """Too many items wait again before the engine was unpaused."""
    resume(engine, crawl)
    assert crawl.pause()
    clock.advance(0)
    assert engine.paused
    assert engine.scheduled == 99


def test_a_pause_of_someone_else_stops_the_resuming(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """As on the telnet console: it holds from the next turn on, until they unpause."""
    resume(engine, crawl)
    engine.pause()
    clock.advance(0)
    assert (engine.paused, engine.scheduled) == (True, 99)
    assert not crawl.pause()
    crawl.unpause()
    assert engine.paused


def test_a_scheduler_that_fails_ends_the_resuming(
    engine: FakeEngine, crawl: CrawlEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """The item at whose end we resumed is no worse for it; the engine meets the error itself."""
    crawl.pause()
    engine.broken = True
    crawl.resume()
    assert not engine.paused
    assert "could not start a request: ConnectionError" in caplog.text
    assert "redis.example" not in caplog.text


def test_a_resuming_that_was_ended_does_not_go_on_beside_the_next(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """One request in every other turn, however often it was paused in between."""
    resume(engine, crawl)
    for _ in range(5):
        crawl.pause()
        crawl.resume()
    started = engine.scheduled
    clock.turn()
    clock.turn()
    assert engine.scheduled == started - 1


def test_a_close_ends_the_resuming(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """No request is started any more, and Scrapy closes nothing that is paused."""
    resume(engine, crawl)
    assert engine._slot is not None
    engine._slot.closing = Deferred()
    clock.advance(0)
    assert (engine.paused, engine.scheduled) == (False, 99)


def test_unpause_does_not_wait_for_the_resuming(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """The loop may have no turn left."""
    resume(engine, crawl)
    crawl.unpause()
    assert not engine.paused
    clock.advance(0)
    assert engine.scheduled == 99


def test_kick_does_nothing_in_an_open_crawl(crawl: CrawlEngine, clock: ManualClock) -> None:
    """It is called after each item, and must cost nothing."""
    crawl.kick()
    assert clock.calls == []


def test_kick_ends_the_closing_when_the_last_item_is_done(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """It looks until Scrapy has counted the item, then stops looking."""
    closing = closing_scraper(engine, items=1)
    crawl.kick()
    crawl.kick()
    assert len(clock.calls) == 1
    clock.advance(10 * KICK_INTERVAL)
    assert [closing.called] == [False]
    assert engine.scraper is not None
    engine.scraper.slot.items = 0
    clock.advance(KICK_INTERVAL)
    assert [closing.called] == [True]
    assert clock.calls == []


def test_kick_looks_from_the_beginning_of_the_engines_closing(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """The scraper's closing comes later, when no item of ours may be left to kick."""
    assert engine._slot is not None
    engine._slot.closing = Deferred()
    crawl.kick()
    closing = closing_scraper(engine, items=0)
    clock.advance(KICK_INTERVAL)
    assert closing.called
    assert clock.calls == []


def test_kick_leaves_a_closing_that_has_ended(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """Scrapy looked itself: firing twice would be an error."""
    closing = closing_scraper(engine, items=0)
    crawl.kick()
    closing.callback(None)
    clock.advance(KICK_INTERVAL)
    assert clock.calls == []


def test_stop_is_scheduled(engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock) -> None:
    """It returns before the close begins; an item that waited for it would wait for itself."""
    engine.reasons = []
    crawl.stop("snapshot_storage_unavailable")
    assert engine.reasons == []
    assert clock.delays == [0]


def test_stop_of_a_closed_spider_does_nothing(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """Scrapy would raise."""
    engine.spider = None
    crawl.stop("late")
    clock.advance(0)
    assert engine.reasons == []


@pytest.mark.parametrize("error", [None, RuntimeError("Crawler.engine is not set yet")])
def test_no_engine_is_harmless(error: Exception | None, clock: ManualClock) -> None:
    """Before the crawl starts there is nothing to pause, wake, kick or stop."""
    crawl = CrawlEngine(cast("Crawler", FakeCrawler(None, error)), clock.call_later)
    assert not crawl.pause()
    crawl.unpause()
    crawl.resume()
    crawl.kick()
    crawl.stop("early")
    clock.advance(1)
    assert clock.calls == []


def test_missing_private_names_are_harmless(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """A later Scrapy that lacks them is left to its own heartbeat and check."""
    del engine._slot
    del engine.scraper
    crawl.pause()
    crawl.unpause()
    crawl.kick()
    assert not engine.paused
    assert clock.calls == []


@pytest.mark.reactor
def test_scrapy_still_has_the_private_names() -> None:
    """They are the ones that `engine.py` leans on; a Scrapy without them shows here."""
    slot = _Slot(
        close_if_idle=True, nextcall=cast("Any", FakeNextCall()), scheduler=cast("Any", None)
    )
    assert {"nextcall", "closing"} <= vars(slot).keys()
    assert {"closing"} <= vars(Slot()).keys()
    assert callable(Slot.is_idle)
    assert callable(Scraper._check_if_closing)
    assert callable(ExecutionEngine.close_spider_async)
