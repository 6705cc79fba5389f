"""What is published for random tabular MDPs: B of them at once, a plan for every episode.

Plans are made when an episode begins, from beliefs (`beliefs`), for every step of it (`plans`).
What the last step of an episode led to is not learned from, as nobody acts there.

What the papers leave open, as what a state that nobody saw counts for and how bonuses are scaled,
is as in the code that Osband released (TabulaRL). Duan et al. 2016 do not say what they took, but
with its defaults their table comes out: among them a prior by which payments are 0 on average
(`UNTOLD`), where the MDPs of the table pay 1. Whoever is told so earns more than published.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.references.beliefs import FREQUENCIES, UNTOLD, Beliefs, Prior
from taskgen.generators.references.plans import plan, plan_by_samples, plan_hopefully
from taskgen.generators.references.play import ReferencePolicy
from taskgen.generators.tabular.contents import MDPs, contents_of
from taskgen.task import Task

FAILURE_PROB = 0.05
"""δ of the confidence sets of UCRL2."""


class Planner(ReferencePolicy):
    """Does what its plan promises most for, step by step of an episode; any of several best.

    Args:
        prior: what it believes before it has played.
    """

    def __init__(self, prior: Prior) -> None:
        self._prior = prior

    @abstractmethod
    def plan(self, promises: NDArray[np.float64]) -> None:
        """Writes what actions promise at each step of an episode, [B, H, S, A]."""

    def begin(self, tasks: Sequence[Task], rng: np.random.Generator) -> None:
        """Starts with the prior, of MDPs of the tasks' shape."""
        contents = contents_of(tasks)
        B, S, A = contents["rewards"].shape
        self.rng, self.num_episodes, self._step = rng, 0, 0
        self.beliefs = Beliefs(self._prior, (B, S, A))
        self._promises = np.zeros((B, int(contents["horizon"][0]), S, A))
        self._all = np.arange(B)

    def act(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Returns the most promising actions, by a plan made anew when an episode begins."""
        if self._step == 0:
            self.plan(self._promises)
        promises = self._promises[self._all, self._step, observations.argmax(axis=1)]
        best = promises == promises.max(axis=1, keepdims=True)
        return np.asarray((best * (1.0 + self.rng.random(best.shape))).argmax(axis=1))

    def learn(
        self,
        observations: NDArray[Any],
        actions: NDArray[np.int64],
        rewards: NDArray[np.float64],
        after: NDArray[Any],
        over: NDArray[np.bool_],
    ) -> None:
        """Takes a step in; all MDPs are at the same step of their episodes."""
        is_last = bool(over.all())
        led_to = None if is_last else after.argmax(axis=1)
        self.beliefs.learn(observations.argmax(axis=1), actions, rewards, led_to)
        self._step = 0 if is_last else self._step + 1
        self.num_episodes += is_last


class KnownMDP(Planner):
    """Knows the table, and does what is best: the optimum."""

    def __init__(self) -> None:
        super().__init__(UNTOLD)

    def begin(self, tasks: Sequence[Task], rng: np.random.Generator) -> None:
        """Looks at the tables."""
        super().begin(tasks, rng)
        self._mdps = MDPs.of(contents_of(tasks))

    def plan(self, promises: NDArray[np.float64]) -> None:
        """Plans for the tables as they are."""
        mdps = self._mdps
        rewards = np.where(mdps.is_action[:, None, :], mdps.rewards, -np.inf)
        plan(mdps.transitions, rewards, np.zeros_like(rewards), promises)


class PSRL(Planner):
    """Posterior sampling: plans for a table drawn from the belief; optimistic for several (OPSRL).

    Of several, what any of them promises counts, for each step, state and action.

    Args:
        num_samples: tables that are drawn for an episode.
        prior: `Prior()` is what the published MDPs are drawn from.

    Source: Strens 2000; Osband, Russo and Van Roy 2013, arXiv 1306.0940; of several tables Osband
    and Van Roy 2016, arXiv 1607.00215.
    """

    def __init__(self, num_samples: int = 1, prior: Prior = UNTOLD) -> None:
        super().__init__(prior)
        self._num_samples = num_samples

    def plan(self, promises: NDArray[np.float64]) -> None:
        """Plans for what was drawn."""
        beliefs = self.beliefs
        spreads = beliefs.reward_precisions**-0.5
        plan_by_samples(
            self.rng,
            beliefs.concentrations,
            beliefs.rewards,
            spreads,
            self._num_samples,
            promises,
        )


class BEB(Planner):
    """The Bayesian exploration bonus: the mean of the belief, and more for what is less known.

    With N visits and `left` steps after this one, Q(s, a) has the bonus

        1 / (1 + precision of r(s, a)) + left · β / (1 + S + N).

    Args:
        bonus: β.
        prior: `Prior()` is what the published MDPs are drawn from.

    Source: Kolter and Ng 2009, "Near-Bayesian exploration in polynomial time"; there the bonus is
    β / (1 + S + N) for every step, and plans are made anew at each of them.
    """

    def __init__(self, bonus: float, prior: Prior = UNTOLD) -> None:
        super().__init__(prior)
        self._bonus = bonus

    def plan(self, promises: NDArray[np.float64]) -> None:
        """Plans for the mean table with bonuses."""
        beliefs = self.beliefs
        rewards = beliefs.rewards + 1.0 / (1.0 + beliefs.reward_precisions)
        bonuses = self._bonus / (1.0 + beliefs.concentrations.sum(axis=3))
        plan(beliefs.transitions, rewards, bonuses, promises)


class UCRL2(Planner):
    """Optimism: plans for the best table in confidence sets around frequencies.

        payments:    r̂ + c · √(4 ln(2SAt / δ) / N),
        transitions: |P − P̂|₁ ≤ c · √(4 S ln(2SAt / δ) / N),

    N at least 1, t the number of the episode, δ = 0.05.

    Args:
        width: c; 1 is what theory asks for.
        keeps_hope: whether probabilities, once moved, stay moved for the steps before. The released
            code writes them over its estimate, and the numbers of Duan et al. 2016 are those of it.

    Source: Jaksch, Ortner and Auer 2010, "Near-optimal regret bounds for reinforcement learning";
    there the constants are 3.5 and 14, t counts steps, and plans are made when a count has doubled.
    """

    def __init__(self, width: float, keeps_hope: bool = False) -> None:
        super().__init__(FREQUENCIES)
        self._width, self._keeps_hope = width, keeps_hope

    def plan(self, promises: NDArray[np.float64]) -> None:
        """Plans for the best that is within the sets."""
        beliefs = self.beliefs
        _, S, A = beliefs.sums.shape
        log = math.log(2 * S * A * (self.num_episodes + 1) / FAILURE_PROB)
        paid = self._width * np.sqrt(4.0 * log / np.maximum(beliefs.num_paid, 1.0))
        seen = np.maximum(beliefs.counts.sum(axis=3), 1.0)
        radii = self._width * np.sqrt(4.0 * S * log / seen)
        rewards = beliefs.rewards + paid
        plan_hopefully(beliefs.transitions, rewards, radii, self._keeps_hope, promises)


class EpsilonGreedyMDP(Planner):
    """Plans for frequencies, but takes any action with a chance ε; greedy where ε = 0.

    Args:
        epsilon: ε.
    """

    def __init__(self, epsilon: float = 0.0) -> None:
        super().__init__(FREQUENCIES)
        self._epsilon = epsilon

    def plan(self, promises: NDArray[np.float64]) -> None:
        """Plans for what was seen; what was not, pays 0 and leads anywhere."""
        beliefs = self.beliefs
        plan(beliefs.transitions, beliefs.rewards, np.zeros_like(beliefs.sums), promises)

    def act(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Returns the most promising actions, or any."""
        actions = super().act(observations)
        at_random = self.rng.random(len(actions)) < self._epsilon
        anything = self.rng.integers(self.beliefs.sums.shape[2], size=len(actions))
        return np.where(at_random, anything, actions)
