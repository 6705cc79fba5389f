"""Every registered search keeps its promises; searches that break one are caught."""

import random
from dataclasses import dataclass

import numpy as np
import pytest

from curricula.algorithms.optuna_search import OptunaSearch
from curricula.checks import CheckFailed, check_search
from curricula.search import Candidate, DistributionSearch
from taskgen.registry import listings, resolve


@pytest.mark.parametrize("name", [listing.name for listing in listings("searches")])
def test_registered(name):
    check_search(resolve("searches", name)).raise_if_failed()


@pytest.mark.parametrize("sampler", ["cmaes", "random", pytest.param("gp", marks=pytest.mark.slow)])
def test_every_sampler_of_optuna(sampler):
    check_search(OptunaSearch, OptunaSearch.Config(sampler=sampler)).raise_if_failed()


class RandomMoves(DistributionSearch):
    """A search that keeps every promise, for others to break."""

    @dataclass(frozen=True)
    class Config:
        pass

    def __init__(self, config, journal=None):
        super().__init__(config, journal)
        self.asked = []

    def ask(self, incumbent, movable, num_candidates, *, generation, seed):
        rng = np.random.default_rng(seed)
        box = incumbent.moves(movable)
        found = []
        for _ in range(num_candidates if box else 0):
            move = {axis: float(rng.uniform(-1, 1)) for axis in box}
            found.append(Candidate(incumbent.moved(move), "move", move))
        self.asked = [candidate.move for candidate in found]
        return found

    def tell(self, candidates, gains):
        if any(c.origin == "move" and c.move not in self.asked for c in candidates):
            raise RuntimeError("not asked for")
        self.asked = []

    def state_dict(self):
        return {"asked": self.asked}

    def load_state_dict(self, state):
        self.asked = list(state["asked"])


class Escapes(RandomMoves):
    def ask(self, incumbent, movable, num_candidates, *, generation, seed):
        return super().ask(
            incumbent, [*movable, "still"], num_candidates, generation=generation, seed=seed
        )


class Mislabels(RandomMoves):
    def ask(self, incumbent, movable, num_candidates, *, generation, seed):
        found = super().ask(incumbent, movable, num_candidates, generation=generation, seed=seed)
        moves = [{axis: -value for axis, value in c.move.items()} for c in found]
        self.asked = moves
        return [Candidate(c.distribution, "move", m) for c, m in zip(found, moves, strict=True)]


class Repeats(RandomMoves):
    def ask(self, incumbent, movable, num_candidates, *, generation, seed):
        found = super().ask(incumbent, movable, num_candidates, generation=generation, seed=seed)
        return found[:1] * len(found)


class Believes(RandomMoves):
    def tell(self, candidates, gains):
        pass


class Global(RandomMoves):
    def ask(self, incumbent, movable, num_candidates, *, generation, seed):
        seed = random.getrandbits(32)
        return super().ask(incumbent, movable, num_candidates, generation=generation, seed=seed)


class Counts(RandomMoves):
    times = 0

    def ask(self, incumbent, movable, num_candidates, *, generation, seed):
        self.times += 1
        seed += self.times
        return super().ask(incumbent, movable, num_candidates, generation=generation, seed=seed)


class Forgets(RandomMoves):
    best = 0.0

    def ask(self, incumbent, movable, num_candidates, *, generation, seed):
        seed += int(1e6 * self.best)
        return super().ask(incumbent, movable, num_candidates, generation=generation, seed=seed)

    def tell(self, candidates, gains):
        super().tell(candidates, gains)
        finite = [abs(gain.value) for gain in gains if np.isfinite(gain.value)]
        self.best = max([self.best, *finite])


class Brittle(RandomMoves):
    def tell(self, candidates, gains):
        super().tell(candidates, gains)
        self.asked = [float(gain.value) for gain in gains]


class Reads(RandomMoves):
    def ask(self, incumbent, movable, num_candidates, *, generation, seed):
        if self.journal is not None:
            seed += self.journal.exists()
            self.journal.touch()
        return super().ask(incumbent, movable, num_candidates, generation=generation, seed=seed)


class Chatty(RandomMoves):
    def metrics(self):
        return {"loss": 0.1}


def test_the_honest_one_passes():
    check_search(RandomMoves).raise_if_failed()


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (Escapes, "a move lies in the box"),
        (Mislabels, "give the effective move"),
        (Repeats, "is the incumbent, or came twice"),
        (Believes, "it must raise RuntimeError"),
        (Global, "it answers differently"),
        (Counts, "it answers differently|how often it was asked"),
        (Forgets, "a new object with the saved state proposes other moves"),
        (Brittle, "Out of range float values are not JSON compliant"),
        (Reads, "with a journal it proposes other moves"),
        (Chatty, "metrics are finite and named search/"),
    ],
)
def test_a_broken_promise_is_caught(broken, reason):
    with pytest.raises(CheckFailed, match=reason):
        check_search(broken).raise_if_failed()
