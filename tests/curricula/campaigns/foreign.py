"""A plug-in with a batched environment of its own, one of whose tasks in eight misbehaves.

It imports nothing but what a plug-in needs, so that a process that plays it starts quickly.
"""

import ctypes
import os
import time

import gymnasium
import numba
import numpy as np

from taskgen.generator import EnvGenerator
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Float
from taskgen.randomness import uniform_at
from taskgen.task import Task
from taskgen.vector import FamilyVectorEnv


@numba.njit
def spin(counter):
    """Never returns, and no signal gets through to Python."""
    while counter[0] >= 0:
        counter[0] = (counter[0] + 1) % 7


FAULTS = {
    "raises": lambda: 1 / 0,
    "hangs": lambda: time.sleep(3600),
    "spins": lambda: spin(np.zeros(1, dtype=np.int64)),
    "exits": lambda: os._exit(3),
    "crashes": lambda: ctypes.string_at(0),
    "eats": lambda: np.ones(2**50),
}


class Batched(FamilyVectorEnv):
    """Shows two numbers, pays for action 1; faults of a task break the whole batch's call."""

    def __init__(self, num_envs, fault, where):
        space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        super().__init__(num_envs, space, gymnasium.spaces.Discrete(2))
        self.fault, self.where = fault, where
        self.streams = np.zeros(num_envs, dtype=np.uint64)
        self.clocks = np.zeros(num_envs, dtype=np.int64)
        self.bad = np.zeros(num_envs, dtype=bool)

    def load(self, tasks):
        self.bad[:] = False
        self.bad[: len(tasks)] = [task.content["bad"] for task in tasks]
        self.horizons[:] = 4
        self.misbehave("load", self.bad)

    def begin(self, slots, seeds):
        self.misbehave("begin", self.bad[slots])
        self.streams[slots], self.clocks[slots] = seeds, 0
        self.look(slots)

    def advance(self, actions, playing):
        self.clocks[playing] += 1
        self.misbehave("advance", self.bad & playing & (self.clocks == 3))
        self.rewards[playing] = actions[playing] == 1
        self.successes[playing] = actions[playing] == 1
        self.look(np.flatnonzero(playing))

    def look(self, slots):
        for k in range(2):
            drawn = uniform_at(self.streams[slots], 2 * self.clocks[slots] + k)
            self.observations[slots, k] = drawn

    def misbehave(self, where, whose):
        enough = 2 if self.fault == "raises in pairs" else 1
        if where == self.where and whose.sum() >= enough:
            FAULTS.get(self.fault, FAULTS["raises"])()


class Foreign(EnvGenerator):
    """Plays batched; see `Batched`."""

    name = "foreign-v1"
    space = ParameterSpace({"x": Float(low=0.0, high=1.0, default=0.5)})
    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, fault: str = "", where: str = "advance", one_in: int = 8):
        self.fault, self.where, self.one_in = fault, where, one_in

    def make_task(self, params, seed):
        bad = bool(self.fault) and seed % self.one_in == 0
        return Task(self.name, 1, params, seed, {"x": params["x"], "seed": seed, "bad": bad})

    def make_env(self, task):
        raise RuntimeError("this family is only played in batches")

    def horizon(self, task):
        return 4

    def make_vector_env(self, num_envs):
        return Batched(num_envs, self.fault, self.where)
