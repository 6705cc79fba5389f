"""Every registered curriculum keeps its promises; curricula that break one are caught."""

import random
from dataclasses import dataclass

import numpy as np
import pytest

from curricula.algorithms.accel import ACCEL
from curricula.algorithms.domain_randomization import DomainRandomization
from curricula.algorithms.plr import PLR
from curricula.algorithms.robust_plr import RobustPLR
from curricula.checks import CheckFailed, check_curriculum
from curricula.curriculum import Proposal
from taskgen.registry import listings, resolve


@pytest.mark.parametrize("name", [listing.name for listing in listings("curricula")])
def test_registered(name):
    check_curriculum(resolve("curricula", name)).raise_if_failed()


SMALL = {"capacity": 20, "min_fill": 0.3}
"""A buffer that a few batches fill, so that tasks are replayed, edited and given up."""


@pytest.mark.parametrize("cls", [PLR, RobustPLR, ACCEL])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"parallel": True},
        {"repeats": True, "prioritization": "top_k", "score": "learnability"},
        {"prioritization": "proportional", "score": "td_error", "staleness_coef": 0.0},
    ],
)
def test_with_a_buffer_that_fills(cls, settings):
    check_curriculum(cls, cls.Config(**SMALL, **settings)).raise_if_failed()


class Leaks(DomainRandomization):
    def ask(self, source, distribution, n, rng):
        params = source.generator.space.rows(distribution.sample(n, rng))
        tasks = [source.generator.make_task(row, int(rng.integers(10**6))) for row in params]
        return [Proposal(task) for task in tasks]


class Strays(DomainRandomization):
    def ask(self, source, distribution, n, rng):
        whole = type(distribution).whole(distribution.space)
        return super().ask(source, whole, n, rng)


class Stubborn(DomainRandomization):
    first = None

    def ask(self, source, distribution, n, rng):
        self.first = self.first or distribution
        return super().ask(source, self.first, n, rng)


class Lazy(DomainRandomization):
    def ask(self, source, distribution, n, rng):
        return super().ask(source, distribution, n - 1, rng)


class Global(DomainRandomization):
    def ask(self, source, distribution, n, rng):
        return super().ask(source, distribution, n, np.random.default_rng(random.getrandbits(32)))


class Touches(DomainRandomization):
    def ask(self, source, distribution, n, rng):
        random.random()
        return super().ask(source, distribution, n, rng)


class Brittle(DomainRandomization):
    def tell(self, proposals, scores):
        if not np.isfinite(scores).all():
            raise FloatingPointError("a score is not finite")


class Forgets(DomainRandomization):
    rounds = 0

    def ask(self, source, distribution, n, rng):
        self.rounds += 1
        for _ in range(self.rounds):
            proposals = super().ask(source, distribution, n, rng)
        return proposals


class Shares(DomainRandomization):
    def __init__(self, config):
        self.state = {"rounds": [0]}

    def ask(self, source, distribution, n, rng):
        self.state["rounds"][0] += 1
        for _ in range(self.state["rounds"][0]):
            proposals = super().ask(source, distribution, n, rng)
        return proposals

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = {"rounds": list(state["rounds"])}


class KeepsObjects(DomainRandomization):
    def state_dict(self):
        return {"rng": np.random.default_rng(0)}


class Believes(DomainRandomization):
    def __init__(self, config):
        self.told = 0

    def tell(self, proposals, scores):
        self.told += 1

    def state_dict(self):
        return {"told": self.told}

    def load_state_dict(self, state):
        self.told = state["told"]


class Drifts(DomainRandomization):
    def __init__(self, config):
        self.level = 0.0

    def tell(self, proposals, scores):
        self.level = float(scores.sum())

    def ask(self, source, distribution, n, rng):
        return super().ask(source, distribution, n if np.isfinite(self.level) else 0, rng)


class Halves(Believes):
    asked = False

    def ask(self, source, distribution, n, rng):
        self.asked = True
        return super().ask(source, distribution, n, rng)

    def tell(self, proposals, scores):
        self.told += self.asked
        self.asked = False

    def load_state_dict(self, state):
        self.told = state["told"] // 2


class Renames(DomainRandomization):
    def __init__(self, config):
        self.batches = 0

    def ask(self, source, distribution, n, rng):
        self.batches += 1
        return super().ask(source, distribution, n, rng)

    def metrics(self):
        return {"curriculum/batches": self.batches} if self.batches else {}


class Pretends(DomainRandomization):
    def ask(self, source, distribution, n, rng):
        return [Proposal(task, "replay") for task in source.make(distribution, n, rng)]


class Hides(DomainRandomization):
    def ask(self, source, distribution, n, rng):
        bases = list(source.make(distribution, n, rng))
        return [Proposal(task, "edit") for task in source.mutate_tasks(bases, 1, rng)]


class Unknown(DomainRandomization):
    score = "beauty"


class Loose(DomainRandomization):
    @dataclass
    class Config:
        pass


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (Leaks, "tasks of .* were proposed"),
        (Strays, "lies outside of the distribution"),
        (Stubborn, "after the distribution became"),
        (Lazy, "12 proposals were asked for, 11 came"),
        (Global, "other tasks came when the global seeds were others"),
        (Touches, "draws from the global state of random"),
        (Brittle, "a score is not finite"),
        (Forgets, "a new object with the saved state proposes other tasks"),
        (Shares, "a state that was handed out changed afterwards"),
        (KeepsObjects, "is a Generator; keep plain values"),
        (Believes, "told before anything was asked for, it takes it in"),
        (Drifts, "told scores of .*nan.* alone, it no longer proposes 12 tasks"),
        (Halves, "a state that is given back and taken again is another one"),
        (Renames, "metrics has other names after play"),
        (Pretends, "is called a replay and was not played before"),
        (Hides, "is an edit of .*, which was not played before"),
        (Unknown, "score must be None or one of"),
        (Loose, "Config must be a frozen dataclass"),
    ],
)
def test_a_broken_promise_is_caught(broken, reason):
    with pytest.raises(CheckFailed, match=reason):
        check_curriculum(broken).raise_if_failed()
