"""A family of two kinds of tasks, small enough to know everything about.

`Signs`: the right one of two actions earns `size`, the other −`size`; an episode ends after
`horizon` steps. The right action is hidden, the observation is the step of the episode, so the
only way to do well is to try, remember the reward, and repeat it across episodes.
"""

import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from learners.algorithms.rl2 import RL2
from taskgen.generator import EnvGenerator
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Float, Int
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv, Lifetime, LifetimeVectorEnv

sys.path.insert(0, str(Path(__file__).parent))  # for `point_tasks`

MAX_HORIZON = 8


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    # Learners of a few units gain nothing from threads, and waiting for them costs most.
    torch.set_num_threads(1)


class SignsEnv(gymnasium.Env[int, int]):
    def __init__(self, right: int, size: float, horizon: int) -> None:
        self.observation_space = gymnasium.spaces.Discrete(MAX_HORIZON)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._right, self._size, self._horizon = right, size, horizon
        self._t = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._t = 0
        return 0, {}

    def step(self, action):
        reward = self._size if action == self._right else -self._size
        self._t += 1
        over = self._t >= self._horizon
        return min(self._t, MAX_HORIZON - 1), reward, over, False, {"success": reward > 0}


class SignsVectorEnv(FamilyVectorEnv):
    def __init__(self, num_envs: int) -> None:
        specimen = SignsEnv(0, 1.0, 1)
        super().__init__(num_envs, specimen.observation_space, specimen.action_space)
        self._right = np.zeros(num_envs, dtype=np.int64)
        self._size = np.zeros(num_envs)

    def load(self, tasks):
        for slot, task in enumerate(tasks):
            self._right[slot] = task.content["right"]
            self._size[slot] = task.content["size"]
            self.horizons[slot] = task.content["horizon"]

    def begin(self, slots, seeds):
        self.observations[slots] = 0

    def advance(self, actions, playing):
        signed = np.where(actions == self._right, self._size, -self._size)
        self.rewards[playing] = signed[playing]
        self.observations[playing] = np.minimum(self.observations + 1, MAX_HORIZON - 1)[playing]
        self.successes[playing] = signed[playing] > 0


class Signs(EnvGenerator):
    name = "signs-v1"
    space = ParameterSpace(
        {
            "horizon": Int(low=1, high=MAX_HORIZON, default=3),
            "size": Float(low=0.5, high=1000.0, default=1.0),
        }
    )

    def make_task(self, params, seed):
        content = {**params, "right": int(np.random.default_rng(seed).integers(2))}
        return Task(self.name, self.version, dict(params), seed, content)

    def make_env(self, task):
        return SignsEnv(task.content["right"], task.content["size"], task.content["horizon"])

    def horizon(self, task):
        return task.content["horizon"]

    def make_vector_env(self, num_envs: int) -> LifetimeVectorEnv:
        return SignsVectorEnv(num_envs)

    def tasks(self, num: int, *, seed: int = 0, **params: Any) -> list[Task]:
        row = self.space.complete(params)
        return [self.make_task(row, seed * 10_000 + i) for i in range(num)]


@pytest.fixture
def signs():
    return Signs()


@pytest.fixture
def make_learner(signs):
    def make(seed: int = 0, **settings: Any) -> RL2:
        small = {"hidden_size": 8, "cell": "gru", "precision": "float32", "device": "cpu"}
        config = RL2.Config(**{**small, **settings})
        return RL2(signs.observation_space, signs.action_space, config, seed)

    return make


@pytest.fixture
def make_env(signs):
    def make(num_envs: int, **lifetime: int) -> LifetimeVectorEnv:
        env = signs.make_vector_env(num_envs)
        env.lifetime = Lifetime(**(lifetime or {"num_episodes": 3}))
        return env

    return make
