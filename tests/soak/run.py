"""One run of a history against a database, and the smallest history that still fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy.engine import Engine

from tests.contract.entities import Observation
from tests.contract.history import History, Version
from tests.contract.stores import fold
from tests.soak.histories import Fault, Step, observations
from tests.soak.troubles import Database
from tests.soak.writers import Writer

_runs = itertools.count()


def failure(
    steps: list[Step], database: Database, writer_on: Callable[[Engine], Writer]
) -> str | None:
    """What is wrong after `steps`, or None.  Each run has entities of its own."""
    own = _renamed(steps, f"run {next(_runs)} ")
    writer, rival = writer_on(database.engine), writer_on(database.rival)
    for step in own:
        _take(step, database, writer, rival)
    for step in own:
        if step.replayed:
            writer.write(step.batch, _nothing)
    for name, seen in observations(own).items():
        wrong = mismatch(rival.history(name), seen)
        if wrong:
            return f"{name}: {wrong}"
    return None


def mismatch(stored: History, seen: list[Observation]) -> str | None:
    """How what is stored differs from the plain fold of what was seen, or from normal form."""
    ordered = sorted(seen, key=lambda one: one.second)
    expected = fold(ordered)
    if [_interval(v) for v in stored.versions] != [_interval(v) for v in expected.versions]:
        return f"versions {stored.versions} instead of {expected.versions}"
    for version, fullest in zip(stored.versions, expected.versions, strict=True):
        if version.last_confirmed_at > fullest.last_confirmed_at:
            return f"{version} is confirmed by nobody, {fullest} would be right"
    if stored.versions[-1] != expected.versions[-1]:
        return f"{stored.versions[-1]} is current instead of {expected.versions[-1]}"
    if stored.rows != expected.rows:
        return f"rows {sorted(stored.rows ^ expected.rows)} are stored or expected, not both"
    return stored.fault()


def _interval(version: Version) -> tuple[int, int, int | None]:
    """Without its confirmation, which a version that was split off another does not inherit."""
    return version.score, version.valid_from, version.valid_to


def shrunk(steps: list[Step], fails: Callable[[list[Step]], bool]) -> list[Step]:
    """A shortest list that still fails: no step, fault or observation of it can be left out."""
    found = True
    while found:
        found = False
        for smaller in _smaller(steps):
            if fails(smaller):
                steps, found = smaller, True
                break
    return steps


def _smaller(steps: list[Step]) -> list[list[Step]]:
    half = len(steps) // 2
    fewer = [steps[:half], steps[half:]] if half else []
    for place, step in enumerate(steps):
        before, after = steps[:place], steps[place + 1 :]
        fewer.append([*before, *after])
        fewer += [[*before, simpler, *after] for simpler in _simpler(step)]
    return [one for one in fewer if one]


def _simpler(step: Step) -> list[Step]:
    simpler = [
        replace(step, batch=step.batch[:n] + step.batch[n + 1 :]) for n in range(len(step.batch))
    ]
    if step.rival:
        simpler.append(replace(step, rival=None))
    if step.replayed:
        simpler.append(replace(step, replayed=False))
    if step.fault is not Fault.NONE:
        simpler.append(replace(step, fault=Fault.NONE))
    return [one for one in simpler if one.batch]


def _take(step: Step, database: Database, writer: Writer, rival: Writer) -> None:
    """The rival writes once: between the attempts, or after the only one."""
    waiting = [step.rival] if step.rival else []

    def between() -> None:
        if step.fault is Fault.LOCKED:
            database.disarm()
        if waiting:
            rival.write((waiting.pop(),), _nothing)

    database.arm(step.fault)
    writer.write(step.batch, between)
    database.disarm()
    if waiting:
        rival.write((waiting.pop(),), _nothing)


def _nothing() -> None:
    pass


def _renamed(steps: list[Step], prefix: str) -> list[Step]:
    def own(one: Observation) -> Observation:
        return one._replace(name=prefix + one.name)

    return [
        replace(
            step,
            batch=tuple(map(own, step.batch)),
            rival=own(step.rival) if step.rival else None,
        )
        for step in steps
    ]
