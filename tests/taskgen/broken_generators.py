"""Generators with one defect each, of the kinds that are found in the wild, and a sound one."""

import random

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from taskgen.generator import EnvGenerator
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Float, Int
from taskgen.slotwise import SlotwiseVectorEnv
from taskgen.task import Task

_OBSERVATIONS = Box(-100.0, 100.0, (2,), dtype=np.float32)


class Drift(gymnasium.Env):
    """A point that drifts by `speed` a step and starts where its seed says."""

    def __init__(self, content, width=2):
        self.content = content
        self.observation_space = Box(-100.0, 100.0, (width,), dtype=np.float32)
        self.action_space = Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.position = float(self.np_random.normal())
        self.steps = 0
        return self._observation(), {}

    def step(self, action):
        self.position += self.content["speed"] * (int(action) - 1)
        self.steps += 1
        reward = 1.0 if self.position > 0 else 0.0
        info = {"success": self.position > 1.0}
        return self._observation(), reward, False, self.steps >= self.content["steps"], info

    def _observation(self):
        width = self.observation_space.shape[0]
        return np.resize(np.clip([self.position, self.steps], -100, 100), width).astype(np.float32)


class Sound(EnvGenerator):
    """Keeps every promise."""

    name = "sound-v1"
    space = ParameterSpace(
        {
            "speed": Float(low=0.1, high=2.0, default=1.0),
            "steps": Int(low=5, high=15, default=10),
        }
    )

    def make_task(self, params, seed):
        self.space.validate(params)
        return Task(self.name, self.version, dict(params), seed, self.content(params, seed))

    def content(self, params, seed):
        jitter = round(float(np.random.default_rng(seed).normal(0.0, 0.01)), 6)
        return {"speed": params["speed"] + jitter, "steps": params["steps"]}

    def make_env(self, task):
        return Drift(task.content)

    def horizon(self, task):
        return task.content["steps"]


class NoOpParameter(Sound):
    """Declares gravity, records it in the content, and never uses it."""

    space = ParameterSpace({**Sound.space, "gravity": Float(low=1.0, high=20.0, default=9.8)})

    def content(self, params, seed):
        return {**super().content(params, seed), "gravity": 2.0 * params["gravity"]}


class GlobalNumpy(Sound):
    """Draws from numpy's global state, after seeding it: reproducible, and a leak."""

    def content(self, params, seed):
        np.random.seed(seed)  # noqa: NPY002
        return {**params, "speed": params["speed"] + round(np.random.normal(), 3)}  # noqa: NPY002


class GlobalPython(Sound):
    """Plays with Python's global random numbers."""

    def make_env(self, task):
        env = Drift(task.content)
        step = env.step

        def shaken(action):
            observation, reward, *rest = step(action)
            return observation, reward + 0.0 * random.random(), *rest

        env.step = shaken
        return env


class ClockContent(Sound):
    """Gives another content at every call."""

    calls = 0

    def content(self, params, seed):
        type(self).calls += 1
        return {**super().content(params, seed), "calls": self.calls}


class SaltedHash(Sound):
    """Content by `hash` of a string, which has another salt in every process."""

    def content(self, params, seed):
        return {**super().content(params, seed), "speed": params["speed"] + hash(str(seed)) % 97}


class SaltedSide(Sound):
    """Lies on a side of the split that `hash` of a string says."""

    def split_position(self, task, salt):
        return hash(salt + task.id) % 97 / 97


class PartedTwins(Sound):
    """Puts tasks of one and the same content on different sides, by their seeds."""

    def content(self, params, seed):
        return {"speed": 1.0, "steps": 10}

    def split_position(self, task, salt):
        return task.seed % 10 / 10


class BeyondTheSplits(Sound):
    """Counts places where a share of the line is asked for."""

    def split_position(self, task, salt):
        return float(task.seed)


class OneForm(Sound):
    """Calls all tasks the same."""

    def canonical(self, task):
        return str(type(self)).encode()


class VaryingSpace(Sound):
    """Observes more where episodes are longer."""

    def make_env(self, task):
        return Drift(task.content, width=2 if task.content["steps"] <= 10 else 3)


class LateEscape(Sound):
    """Leaves its space only where somebody pushes in one direction for ten steps."""

    observation_space = Box(-100.0, 9.0, (2,), dtype=np.float32)

    def make_env(self, task):
        env = Drift({**task.content, "steps": 15})
        env.observation_space = self.observation_space
        observe = env._observation
        env._observation = lambda: observe() * np.float32([1.0, 0.0])
        return env

    def horizon(self, task):
        return 15


class _Wandering(SlotwiseVectorEnv):
    def advance(self, actions, playing):
        super().advance(actions, playing)
        self.observations[self._episode_steps >= 4] = 101.0


class BatchEscape(Sound):
    """Leaves its space in batches alone, in the fifth step."""

    def make_vector_env(self, num_envs):
        return _Wandering(self, num_envs)


class _Silent(Drift):
    def step(self, action):
        return *super().step(action)[:4], {}


class SilentSuccess(Sound):
    """Has success by default, and never tells."""

    def make_env(self, task):
        return _Silent(task.content)


class HalfSuccess(Sound):
    """Has no success, which its batches do not know."""

    has_success = False

    def make_vector_env(self, num_envs):
        env = super().make_vector_env(num_envs)
        env.has_success = True
        return env


class LeakyState(Sound):
    """Keeps a speed from the tasks played before."""

    fastest = 0.0

    def make_env(self, task):
        self.fastest = max(self.fastest, task.content["speed"])
        return Drift({**task.content, "speed": self.fastest})


class _SlotDependent(SlotwiseVectorEnv):
    def advance(self, actions, playing):
        super().advance(actions, playing)
        self.rewards += np.arange(self.num_envs) * playing


class SlotReward(Sound):
    """Pays by the slot."""

    def make_vector_env(self, num_envs):
        return _SlotDependent(self, num_envs)


class _Generous(SlotwiseVectorEnv):
    def advance(self, actions, playing):
        super().advance(actions, playing)
        self.rewards *= 2.0


class VectorPaysTwice(Sound):
    """Pays twice as much in batches as alone."""

    def make_vector_env(self, num_envs):
        return _Generous(self, num_envs)


class _Unchecked(Float):
    def __post_init__(self):
        pass


class InfiniteBounds(Sound):
    """Has a bound at infinity."""

    space = ParameterSpace({**Sound.space, "speed": _Unchecked(low=0.1, high=np.inf, default=1.0)})


class AcceptsAnything(Sound):
    """Takes rows that are not of its space."""

    def make_task(self, params, seed):
        row = {**self.space.complete({}), **params}
        content = {"speed": row["speed"] if row["speed"] == row["speed"] else 0, "steps": 5}
        return Task(self.name, self.version, dict(params), seed, content)


class ModestOracle(Sound):
    """Calls half of a sure reward the best that can be had."""

    def oracle_return(self, task):
        return -1.0


class WrongBatch(Sound):
    """Makes other tasks in batches."""

    def make_tasks(self, params, seeds):
        return super().make_tasks(params, np.asarray(seeds) + 1)


class NotJson(Sound):
    """Holds what JSON cannot."""

    def content(self, params, seed):
        return {**super().content(params, seed), "pair": (1, 2)}


class EndlessFeature(Sound):
    """Describes a task with infinity."""

    def describe(self, task):
        return {"difficulty": float("inf")}


class OrphanEdits(Sound):
    """Edits a task without saying what it was."""

    def mutate(self, task, rng):
        content = {**task.content, "speed": round(float(rng.uniform(0.1, 2.0)), 3)}
        return Task(task.name if hasattr(task, "name") else self.name, 1, task.params, 0, content)
