"""Points that look for a hidden goal: continuous observations, continuous actions.

`Goals`: a point starts every episode at the origin of `num_axes` axes and is moved by its action,
at most half a metre an axis and step. The goal is drawn from [−1, 1] on each axis and hidden; a
step is paid −mean over axes |x − g| after the move. Who cannot know the goal does best by never
moving: E|x − g| = (1 + x²) / 2 on each axis, so an episode of H steps is worth at most −H / 2.
Positions are told in millimetres: a learner that does not standardise them sees saturated inputs.
"""

import gymnasium
import numpy as np

from taskgen.generator import EnvGenerator
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Int
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv

SPEED = 0.5


class PointEnv(gymnasium.Env):
    def __init__(self, goal, horizon):
        num_axes = len(goal)
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (num_axes,), np.float32)
        self.action_space = gymnasium.spaces.Box(-SPEED, SPEED, (num_axes,), np.float32)
        self._goal, self._horizon = np.asarray(goal), horizon
        self._x, self._t = np.zeros(num_axes), 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._x, self._t = np.zeros(len(self._goal)), 0
        return np.zeros(len(self._goal), np.float32), {}

    def step(self, action):
        assert self.action_space.contains(action), action
        self._x = self._x + action
        self._t += 1
        action[:] = np.nan  # nobody may rely on what was handed over
        reward = -float(np.abs(self._x - self._goal).mean())
        seen = (1000.0 * self._x).astype(np.float32)
        return seen, reward, False, self._t >= self._horizon, {}


class PointVectorEnv(FamilyVectorEnv):
    has_success = False

    def __init__(self, num_envs, num_axes):
        specimen = PointEnv([0.0] * num_axes, 1)
        super().__init__(num_envs, specimen.observation_space, specimen.action_space)
        self._goals = np.zeros((num_envs, num_axes))
        self._x = np.zeros((num_envs, num_axes))

    def load(self, tasks):
        for slot, task in enumerate(tasks):
            self._goals[slot] = task.content["goal"]
            self.horizons[slot] = task.content["horizon"]

    def begin(self, slots, seeds):
        self._x[slots] = 0.0
        self.observations[slots] = 0.0

    def advance(self, actions, playing):
        assert actions.shape == self._x.shape
        assert actions.dtype == np.float32
        assert (np.abs(actions[playing]) <= SPEED).all()
        self._x[playing] += actions[playing]
        self.rewards[playing] = -np.abs(self._x - self._goals).mean(axis=1)[playing]
        self.observations[playing] = 1000.0 * self._x[playing]


class Goals(EnvGenerator):
    name = "goals-v1"
    space = ParameterSpace({"horizon": Int(low=1, high=8, default=4)})
    has_success = False

    def __init__(self, num_axes: int = 1):
        self.num_axes = num_axes

    def make_task(self, params, seed):
        goal = np.random.default_rng(seed).uniform(-1.0, 1.0, self.num_axes).round(6).tolist()
        return Task(self.name, self.version, dict(params), seed, {**params, "goal": goal})

    def make_env(self, task):
        return PointEnv(task.content["goal"], task.content["horizon"])

    def horizon(self, task):
        return task.content["horizon"]

    def make_vector_env(self, num_envs):
        return PointVectorEnv(num_envs, self.num_axes)

    def oracle_return(self, task):
        """Straight to the goal and stay."""
        moved = SPEED * np.arange(1, task.content["horizon"] + 1)
        left = np.maximum(np.abs(task.content["goal"])[:, None] - moved, 0.0)
        return -float(left.mean(axis=0).sum())

    def blind_return(self, horizon):
        """The best expected return of an episode for who never hears what its actions earned."""
        return -horizon / 2.0

    def tasks(self, num, *, seed=0, **params):
        row = self.space.complete(params)
        return [self.make_task(row, seed * 10_000 + i) for i in range(num)]
