"""What we ask of Scrapy's engine, against a fake one; and that Scrapy still has the names."""

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
    """The names that `CrawlEngine` uses of Scrapy's slot."""

    def __init__(self) -> None:
        self.nextcall = FakeNextCall()
        self.closing: Deferred[None] | None = None


class FakeScraperSlot:
    """Counts items as Scrapy 2.18 and 2.19 do; older slots are idle while items wait."""

    def __init__(self) -> None:
        self.items = 0
        self.closing: Deferred[Any] | None = None

    def is_idle(self) -> bool:
        """Whether no item is left."""
        return self.items == 0


class FakeScraper:
    """Closes as Scrapy's does: when asked to check, and no item is left."""

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
    """Has an engine or none yet; older versions of Scrapy then give None, newer ones raise."""

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
    """Begin the scraper's closing while `items` are in flight."""
    assert engine.scraper is not None
    engine.scraper.slot.items = items
    closing: Deferred[Any] = Deferred()
    engine.scraper.slot.closing = closing
    return closing


def test_pause_gives_whether_it_paused(engine: FakeEngine, crawl: CrawlEngine) -> None:
    """It did not where somebody else had paused before."""
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
    """Pause and resume, with `scheduled` requests to start and room for `room` of them."""
    crawl.pause()
    engine.scheduled, engine.room = scheduled, room
    crawl.resume()


def test_resume_starts_one_request_in_every_other_turn(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """Each request brings a page of items, and items that are done get the turn in between."""
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
    """The engine is woken, and starts the others by itself."""
    resume(engine, crawl, scheduled, room)
    clock.advance(0)
    assert not engine.paused
    assert engine.scheduled == max(0, scheduled - room)
    assert engine._slot is not None
    assert engine._slot.nextcall.scheduled == 1
    assert clock.calls == []


def test_a_pause_ends_a_resume(engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock) -> None:
    """As when too many items wait again before the engine is unpaused."""
    resume(engine, crawl)
    assert crawl.pause()
    clock.advance(0)
    assert engine.paused
    assert engine.scheduled == 99


def test_a_pause_of_someone_else_ends_a_resume(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """As one on the telnet console: it holds from the next turn on, until that person unpauses."""
    resume(engine, crawl)
    engine.pause()
    clock.advance(0)
    assert (engine.paused, engine.scheduled) == (True, 99)
    assert not crawl.pause()
    crawl.unpause()
    assert engine.paused


def test_a_scheduler_that_fails_ends_a_resume(
    engine: FakeEngine, crawl: CrawlEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """The item whose end resumed the crawl must not fail; the engine will meet the error itself."""
    crawl.pause()
    engine.broken = True
    crawl.resume()
    assert not engine.paused
    assert "could not start a request: ConnectionError" in caplog.text
    assert "redis.example" not in caplog.text


def test_an_ended_resume_does_not_go_on_beside_the_next(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """Still one request in every other turn, however often the crawl was paused meanwhile."""
    resume(engine, crawl)
    for _ in range(5):
        crawl.pause()
        crawl.resume()
    started = engine.scheduled
    clock.turn()
    clock.turn()
    assert engine.scheduled == started - 1


def test_a_close_ends_a_resume(engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock) -> None:
    """No more requests are started, and Scrapy closes nothing that is paused."""
    resume(engine, crawl)
    assert engine._slot is not None
    engine._slot.closing = Deferred()
    clock.advance(0)
    assert (engine.paused, engine.scheduled) == (False, 99)


def test_unpause_does_not_wait_for_a_resume(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """The loop may never turn again."""
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
    """It checks until Scrapy has counted the item, and then no more."""
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


def test_kick_checks_from_the_beginning_of_the_engines_closing(
    engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock
) -> None:
    """The scraper begins to close later, when no item of ours may be left to call `kick`."""
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
    """Scrapy has checked by itself; firing the Deferred again would be an error."""
    closing = closing_scraper(engine, items=0)
    crawl.kick()
    closing.callback(None)
    clock.advance(KICK_INTERVAL)
    assert clock.calls == []


def test_stop_is_scheduled(engine: FakeEngine, crawl: CrawlEngine, clock: ManualClock) -> None:
    """It returns before the close begins: an item that waited for that would wait for itself."""
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
    """Before the crawl starts there is nothing to pause, wake, check or stop."""
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
    """A later Scrapy without them is left to its own heartbeat and closing check."""
    del engine._slot
    del engine.scraper
    crawl.pause()
    crawl.unpause()
    crawl.kick()
    assert not engine.paused
    assert clock.calls == []


@pytest.mark.reactor
def test_scrapy_still_has_the_private_names() -> None:
    """`crawl/engine.py` relies on them; this test fails with a Scrapy that lacks one."""
    slot = _Slot(
        close_if_idle=True, nextcall=cast("Any", FakeNextCall()), scheduler=cast("Any", None)
    )
    assert {"nextcall", "closing"} <= vars(slot).keys()
    assert {"closing"} <= vars(Slot()).keys()
    assert callable(Slot.is_idle)
    assert callable(Scraper._check_if_closing)
    assert callable(ExecutionEngine.close_spider_async)
