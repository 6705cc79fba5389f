"""Bernoulli bandits: arms that pay 1 with a probability of their own, and nothing to see.

The whole of the task is to find out which arm pays best while pulling them. For few pulls the
best that anyone can do without knowing the arms is computed exactly, so a learner can be held
against the optimum instead of against another learner.

Source: Duan et al. 2016, "RL²: Fast reinforcement learning via slow reinforcement learning",
arXiv 1611.02779, §3.1; there the prior is uniform, here it is a Beta.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray
from scipy.special import betaincinv

from taskgen.batch import ArrayBatch, TaskBatch
from taskgen.distribution import Interval, TaskDistribution
from taskgen.generator import EnvGenerator
from taskgen.parameter_space import Columns, ParameterSpace, Row
from taskgen.parameters import Float, Int
from taskgen.randomness import uniform_at, uniforms
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv

MAX_BAYES_PULLS = 12  # each more pull doubles the number of posteriors


class Bandit(EnvGenerator):
    """Bernoulli bandits with probabilities drawn from Beta(alpha, beta).

    Args:
        num_arms: arms of every bandit, A; fixed for a campaign, as it is the action space.

    Example:
        >>> Bandit(num_arms=2).make_task({"pulls": 10, "alpha": 1.0, "beta": 1.0}, seed=7).content
        {'pulls': 10, 'probs': [0.38983, 0.016788]}
    """

    name = "bandit-v1"
    has_success = False
    observation_space = Box(0.0, 1.0, (1,))
    space = ParameterSpace(
        {
            "pulls": Int(low=1, high=100, default=1, doc="env steps of an episode"),
            "alpha": Float(low=0.1, high=10.0, default=1.0, log=True, doc="prior weight of wins"),
            "beta": Float(low=0.1, high=10.0, default=1.0, log=True, doc="prior weight of losses"),
        }
    )

    def __init__(self, num_arms: int = 5) -> None:
        self.num_arms = num_arms
        self.action_space = Discrete(num_arms)

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the bandit of a row of parameters and a seed."""
        self.space.validate(params)
        return self.make_tasks(self.space.columns([params]), np.array([seed]))[0]

    def make_tasks(self, params: Columns, seeds: NDArray[np.int64]) -> TaskBatch:
        """Returns B bandits; uniforms of each seed go through the prior's quantile function."""
        draws = uniforms(np.asarray(seeds).astype(np.uint64), self.num_arms)
        probs = betaincinv(params["alpha"][:, None], params["beta"][:, None], draws)
        return ArrayBatch(self, params, seeds, {"pulls": params["pulls"], "probs": probs.round(6)})

    def make_env(self, task: Task) -> BanditEnv:
        """Returns one bandit to pull."""
        return BanditEnv(task.content["probs"], task.content["pulls"])

    def make_vector_env(self, num_envs: int) -> BanditVectorEnv:
        """Returns `num_envs` bandits that are pulled in one array operation."""
        return BanditVectorEnv(num_envs, self.num_arms)

    def horizon(self, task: Task) -> int:
        """Returns the pulls of an episode."""
        return int(task.content["pulls"])

    def describe(self, task: Task) -> dict[str, float]:
        """Returns the best arm's probability and its lead over the second."""
        *_, second, best = sorted(task.content["probs"])
        return {"best_prob": best, "gap": best - second}

    def mutate(self, task: Task, rng: np.random.Generator) -> Task:
        """Returns the bandit with one arm's probability moved by a normal step of 0.1."""
        probs = list(task.content["probs"])
        arm = int(rng.integers(len(probs)))
        probs[arm] = round(float(np.clip(probs[arm] + rng.normal(0.0, 0.1), 0.0, 1.0)), 6)
        return task.edited({**task.content, "probs": probs}, operator="nudge_arm")

    def oracle_return(self, task: Task) -> float:
        """Returns pulls · max p: always the best arm."""
        return float(task.content["pulls"] * max(task.content["probs"]))

    def bayes_return(self, distribution: TaskDistribution, num_episodes: int) -> float | None:
        """Returns the Bayes-optimal expected return of a lifetime.

        None where the prior is not one point, or the lifetime has more than `MAX_BAYES_PULLS`.
        """
        regions = [distribution.regions[name] for name in self.space]
        points = [r.low for r in regions if isinstance(r, Interval) and r.low == r.high]
        if len(points) < len(regions) or distribution.rehearsal:
            return None
        pulls, alpha, beta = points
        num_pulls = int(pulls) * num_episodes
        if num_pulls > MAX_BAYES_PULLS:
            return None
        return _bayes_return(self.num_arms, num_pulls, alpha, beta)


class BanditEnv(gymnasium.Env[NDArray[np.float32], Any]):
    """One bandit: `step(arm)` pays 1 with the arm's probability; an episode is `pulls` long."""

    observation_space = Bandit.observation_space

    def __init__(self, probs: Sequence[float], pulls: int) -> None:
        self.action_space = Discrete(len(probs))
        self._probs, self._pulls = probs, pulls

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Starts an episode whose payments depend on the seed alone."""
        super().reset(seed=seed, options=options)
        key = int(self.np_random.integers(2**31)) if seed is None else seed
        self._stream, self._pulled = np.array([key], dtype=np.uint64), 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Pulls an arm."""
        luck = float(uniform_at(self._stream, self._pulled)[0])
        self._pulled += 1
        over = self._pulled >= self._pulls
        return np.zeros(1, np.float32), float(luck < self._probs[action]), False, over, {}


class BanditVectorEnv(FamilyVectorEnv):
    """Lifetimes of B bandits with A arms each, without a loop over them."""

    has_success = False

    def __init__(self, num_envs: int, num_arms: int) -> None:
        super().__init__(num_envs, Bandit.observation_space, Discrete(num_arms))
        self._slots = np.arange(num_envs)
        self._probs = np.zeros((num_envs, num_arms))
        self._streams = np.zeros(num_envs, dtype=np.uint64)
        self._pulled = np.zeros(num_envs, dtype=np.int64)

    def load(self, tasks: Sequence[Task]) -> None:
        """Takes the arms from the batch's arrays, or from the tasks one by one."""
        if isinstance(tasks, ArrayBatch):
            probs, pulls = tasks.contents["probs"], tasks.contents["pulls"]
        else:
            probs = np.array([task.content["probs"] for task in tasks])
            pulls = np.array([task.content["pulls"] for task in tasks])
        self._probs[: len(tasks)] = probs
        self.horizons[: len(tasks)] = pulls

    def begin(self, slots: NDArray[np.int64], seeds: NDArray[np.uint64]) -> None:
        """Starts the streams of payments of these slots; there is nothing to observe."""
        self._streams[slots] = seeds >> np.uint64(33)
        self._pulled[slots] = 0

    def advance(self, actions: NDArray[Any], playing: NDArray[np.bool_]) -> None:
        """Pulls one arm in every slot."""
        luck = uniform_at(self._streams, self._pulled)
        self.rewards[:] = (luck < self._probs[self._slots, actions]) & playing
        self._pulled += 1


@functools.lru_cache
def _bayes_return(num_arms: int, num_pulls: int, alpha: float, beta: float) -> float:
    """Returns the optimum by dynamic programming over posteriors.

        V(n, s) = max over arms of m·(1 + V(n − 1, s + win)) + (1 − m)·V(n − 1, s + loss),

    m the posterior mean of the arm. Arms are alike, so s is the sorted tuple of their
    (wins, losses) and arms with equal counts are tried once.
    """

    @functools.cache
    def value(left: int, arms: tuple[tuple[int, int], ...]) -> float:
        if left == 0:
            return 0.0
        best = 0.0
        for wins, losses in set(arms):
            others = list(arms)
            others.remove((wins, losses))
            won = value(left - 1, tuple(sorted([*others, (wins + 1, losses)])))
            lost = value(left - 1, tuple(sorted([*others, (wins, losses + 1)])))
            mean = (alpha + wins) / (alpha + beta + wins + losses)
            best = max(best, mean * (1.0 + won) + (1.0 - mean) * lost)
        return best

    return value(num_pulls, ((0, 0),) * num_arms)
