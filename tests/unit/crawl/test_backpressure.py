"""When the crawl is paused, and when it goes on."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.crawl.backpressure import CrawlPause


@dataclass
class FakeEngine:
    """An engine that can be paused, and a writer that is slow or quick."""

    paused: bool = False
    slow: bool = False
    """Whether `resume` takes some time."""

    ours: bool = False
    writes_slowly: bool = True

    def pause(self) -> bool:
        """Pause; True if this call did it."""
        self.ours = self.ours or not self.paused
        was, self.paused = self.paused, True
        return not was

    def is_paused(self) -> bool:
        """Give the state; by a call, so that the type checker expects it to change."""
        return self.paused

    def resume(self) -> None:
        """Run again, at once unless the engine is slow."""
        if not self.slow:
            self.unpause()

    def unpause(self) -> None:
        """Run again, if the pause is ours."""
        self.paused = self.paused and not self.ours
        self.ours = False


@pytest.fixture
def engine() -> FakeEngine:
    """Make an engine that runs."""
    return FakeEngine()


def make_pause(engine: FakeEngine, pause_at: int = 4, entered: int = 0) -> CrawlPause:
    """Make a pause after `entered` items have begun to wait."""
    pause = CrawlPause(
        pause=engine.pause,
        resume=engine.resume,
        unpause=engine.unpause,
        writes_are_slow=lambda: engine.writes_slowly,
        pause_at=pause_at,
    )
    for _ in range(entered):
        pause.entered()
    return pause


def test_pauses_above_the_limit_and_not_at_it(engine: FakeEngine) -> None:
    """The crawl runs on while as many items wait as may; one more pauses it."""
    pause = make_pause(engine, pause_at=4, entered=4)
    assert not engine.is_paused()
    pause.entered()
    assert engine.is_paused()


def test_unpauses_at_half(engine: FakeEngine) -> None:
    """The crawl goes on when half the limit still waits, so that it does not flutter."""
    pause = make_pause(engine, pause_at=4, entered=5)
    pause.left()
    pause.left()
    assert engine.is_paused()
    pause.left()
    assert not engine.is_paused()


def test_pauses_at_a_third_while_writes_are_quick(engine: FakeEngine) -> None:
    """A third of the limit may wait for a quick writer; the crawl goes on at a sixth."""
    engine.writes_slowly = False
    pause = make_pause(engine, pause_at=12, entered=4)
    assert not engine.is_paused()
    pause.entered()
    assert engine.is_paused()
    for _ in range(2):
        pause.left()
    assert engine.is_paused()
    pause.left()
    assert not engine.is_paused()


def test_pause_begun_in_slow_writes_ends_at_half_of_the_whole(engine: FakeEngine) -> None:
    """Even where writes are quick again by then."""
    pause = make_pause(engine, pause_at=8, entered=9)
    engine.writes_slowly = False
    for _ in range(5):
        pause.left()
    assert not engine.is_paused()


def test_zero_never_pauses(engine: FakeEngine) -> None:
    """With pause_at=0 any number of items may wait."""
    make_pause(engine, pause_at=0, entered=10_000)
    assert not engine.is_paused()


@pytest.mark.parametrize("slowly", [True, False])
def test_a_limit_of_one_unpauses_when_nobody_waits(engine: FakeEngine, *, slowly: bool) -> None:
    """Half of one is none: the smallest limit does not leave the crawl paused for ever."""
    engine.writes_slowly = slowly
    pause = make_pause(engine, pause_at=1, entered=2)
    pause.left()
    assert engine.is_paused()
    pause.left()
    assert not engine.is_paused()


def test_release_unpauses_and_never_pauses_again(engine: FakeEngine) -> None:
    """Scrapy does not close a paused spider, so release is for good."""
    pause = make_pause(engine, pause_at=4, entered=5)
    pause.release()
    assert not engine.is_paused()
    for _ in range(10):
        pause.entered()
    assert not engine.is_paused()


def test_release_does_not_wait_for_a_slow_resume(engine: FakeEngine) -> None:
    """No item waits any more, but the crawl does not run yet, and it has to close."""
    engine.slow = True
    pause = make_pause(engine, pause_at=4, entered=5)
    for _ in range(5):
        pause.left()
    assert engine.is_paused()
    pause.release()
    assert not engine.is_paused()


def test_a_pause_of_someone_else_is_left_alone(engine: FakeEngine) -> None:
    """Someone who paused by hand, as on the telnet console, also unpauses by hand."""
    engine.paused = True
    pause = make_pause(engine, pause_at=4, entered=5)
    for _ in range(5):
        pause.left()
    pause.release()
    assert engine.is_paused()


def test_pauses_after_someone_else_has_unpaused(engine: FakeEngine) -> None:
    """A pause of someone else only delays ours."""
    engine.paused = True
    pause = make_pause(engine, pause_at=4, entered=5)
    engine.paused = False
    pause.entered()
    assert engine.is_paused()


def test_repr_shows_the_state(engine: FakeEngine) -> None:
    """The state can be read in a debugger."""
    assert repr(make_pause(engine, entered=5)) == "<CrawlPause paused, 5 waiting, pause at 4>"


@given(
    steps=st.lists(st.sampled_from(["entered", "left", "release", "slow", "quick"])),
    pause_at=st.integers(0, 9),
)
def test_the_crawl_is_paused_only_between_the_limits(steps: list[str], pause_at: int) -> None:
    """Above the limit it is paused, at half of it it runs, and after release it always runs.

    Once writes were quick, the limit may be a third of `pause_at`.
    """
    engine = FakeEngine()
    pause = make_pause(engine, pause_at)
    released, resumes_at = False, pause_at // 2
    for step in steps:
        if step == "left" and not pause.waiting:
            continue
        if step in ("slow", "quick"):
            engine.writes_slowly = step == "slow"
            resumes_at = resumes_at if engine.writes_slowly else pause_at // 6
            continue
        getattr(pause, step)()
        released = released or step == "release"
        if released or not pause_at or pause.waiting <= resumes_at:
            assert not engine.is_paused()
        elif pause.waiting > pause_at:
            assert engine.is_paused()
