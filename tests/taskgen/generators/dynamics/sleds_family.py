"""A family of environments so small that every transition can be computed by hand."""

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from taskgen.generator import EnvGenerator
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Categorical, Float, Int
from taskgen.task import Task


class Sled(gymnasium.Env):
    """Seen are place, speed and a number that never changes; a push changes the speed."""

    observation_space = Box(-np.inf, np.inf, (3,), np.float64)

    def __init__(self, push, friction, length, choices, broken):
        self.push, self.friction, self.length, self.broken = push, friction, length, broken
        self.choices = choices
        self.action_space = Discrete(3) if choices else Box(-2.0, 2.0, (1,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.speed = self.np_random.uniform(-1.0, 1.0, 2)
        self.num_steps = 0
        return self._seen(), {}

    def step(self, action):
        if self.broken and self.num_steps:
            raise RuntimeError("the runner broke")
        force = float(action) - 1.0 if self.choices else float(action[0])
        self.place += self.speed
        self.speed += self.push * force - self.friction * self.speed
        self.num_steps += 1
        return self._seen(), 0.0, self.num_steps >= self.length, False, {}

    def _seen(self):
        return np.array([self.place, self.speed, 7.0])


class Sleds(EnvGenerator):
    """Sleds that are pushed with more or less force; how far they shall go, only rewards know."""

    name = "sleds-v1"
    has_success = False
    space = ParameterSpace(
        {
            "push": Float(low=0.1, high=4.0, default=1.0),
            "friction": Float(low=0.0, high=1.0, default=0.0, active_when={"snow": ("wet",)}),
            "snow": Categorical(choices=("dry", "wet"), default="dry"),
            "goal": Float(low=0.0, high=9.0, default=1.0),
            "length": Int(low=2, high=100, default=100),
        }
    )

    def __init__(self, choices: bool = False, broken_from: float = 99.0) -> None:
        self.choices, self.broken_from = choices, broken_from
        self.regions = {
            "strong": [{"push": [3.0, 4.0], "goal": 1.0}],
            "far": [{"push": 1.0, "goal": [5.0, 9.0]}],
        }

    def make_task(self, params, seed):
        self.space.validate(params)
        params = self.space.complete(params)
        friction = params["friction"] if params["snow"] == "wet" else 0.0
        content = {"push": params["push"], "friction": friction, "length": params["length"]}
        return Task(self.name, self.version, params, seed, {**content, "goal": params["goal"]})

    def make_env(self, task):
        content = task.content
        broken = content["push"] > self.broken_from
        return Sled(content["push"], content["friction"], content["length"], self.choices, broken)

    def horizon(self, task):
        return 100

    def suites(self):
        rows = {"strong": {"push": 3.5}, "far": {"goal": 8.0}}
        return {k: [self.make_task(self.space.complete(v), 0)] for k, v in rows.items()}

    def mutate(self, task, rng):
        name = ("push", "goal")[int(rng.integers(2))]
        params = {**task.params, name: 0.5 + 2.0 * float(rng.random())}
        return task.edited(self.make_task(params, task.seed).content, f"new_{name}", params)
