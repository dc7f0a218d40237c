"""Random histories with random faults: everything follows from a seed."""

from __future__ import annotations

import enum
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tests.contract.entities import Observation

NAMES = ("arsenal", "burnley", "chelsea")
STEPS = 12
LONGEST_BATCH = 6


class Fault(enum.Enum):
    """What happens to a step's first attempt."""

    NONE = "none"
    BEFORE = "connection lost before COMMIT"
    AFTER = "connection lost after COMMIT"
    STALE = "connection lost between the batches"
    LOCKED = "somebody else holds the lock"
    TWICE = "lost before COMMIT, then after COMMIT"


@dataclass(frozen=True)
class Step:
    """One batch, and what happens to it."""

    batch: tuple[Observation, ...]
    fault: Fault = Fault.NONE
    rival: Observation | None = None
    """What another crawler writes between the first attempt and the second."""
    replayed: bool = False
    """The batch is sent once more later, as from a dead letter."""

    def __str__(self) -> str:
        sent = " ".join(f"{o.name}@{o.second}={o.score}{dict(o.markets)}" for o in self.batch)
        rival = f"; rival {self.rival.name}@{self.rival.second}" if self.rival else ""
        return f"[{sent}] {self.fault.value}{rival}{'; replayed' if self.replayed else ''}"


def history_of(seed: int) -> list[Step]:
    """The steps of a seed."""
    chance = random.Random(seed)  # noqa: S311 - repeatable is the point
    second = 0
    steps = []
    latest: dict[str, Observation] = {}
    for _ in range(STEPS):
        batch = []
        for _ in range(chance.randint(1, LONGEST_BATCH)):
            second += 1
            batch.append(_observation(chance, second))
        step = Step(tuple(batch), chance.choice(list(Fault)), replayed=chance.random() < 0.3)
        if chance.random() < 0.5:
            second += 1
            step = replace(step, rival=_rival(chance, second, batch, latest))
        latest |= {one.name: one for one in (*batch, *([step.rival] if step.rival else []))}
        steps.append(step)
    return steps


def observations(steps: list[Step]) -> dict[str, list[Observation]]:
    """What was seen of each entity, in order."""
    seen: dict[str, list[Observation]] = {}
    for step in steps:
        for one in (*step.batch, *([step.rival] if step.rival else [])):
            seen.setdefault(one.name, []).append(one)
    return seen


def _observation(chance: random.Random, second: int) -> Observation:
    markets = {name: chance.randint(0, 5) for name in "xyz" if chance.random() < 0.5}
    return Observation(chance.choice(NAMES), second, chance.randint(0, 1), markets)


def _rival(
    chance: random.Random,
    second: int,
    batch: Sequence[Observation],
    latest: Mapping[str, Observation],
) -> Observation:
    """What another crawler sees after a batch, and may store before it.

    Often the same as the batch saw last, so that the batch has to reach back; otherwise what nobody
    else sees.  Never what was stored before: it would confirm the time of the batch, and what comes
    to a confirmed time is a moment.
    """
    seen = chance.choice(batch)
    last = [one for one in batch if one.name == seen.name][-1]
    before = latest.get(seen.name)
    if chance.random() < 0.5 and (before is None or not _same(before, last)):
        return last._replace(second=second)
    return Observation(chance.choice(NAMES), second, 1_000 + second, {})


def _same(one: Observation, other: Observation) -> bool:
    return (one.score, dict(one.markets)) == (other.score, dict(other.markets))
