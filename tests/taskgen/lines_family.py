"""Two families of problems so small that everything about them is known.

`Lines`: y = intercept + slope · x + noise. `Halves`: which side of a threshold a number lies on,
the classes named at random.
"""

import numpy as np
from gymnasium.spaces import Box, Discrete

from taskgen.generator import ProblemGenerator
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Float, Int
from taskgen.problems import Problems
from taskgen.task import Task

MAX_SHOTS = 8


class Lines(ProblemGenerator):
    """Keeps every promise."""

    name = "lines-v1"
    input_space = Box(-1.0, 1.0, (1,))
    target_space = Box(-np.inf, np.inf, (1,))
    space = ParameterSpace(
        {
            "intercept": Float(low=-2.0, high=2.0, default=0.5),
            "slope": Float(low=-3.0, high=3.0, default=1.0),
            "noise": Float(low=0.0, high=0.5, default=0.0),
            "shots": Int(low=1, high=MAX_SHOTS, default=4),
        }
    )

    def make_task(self, params, seed):
        self.space.validate(params)
        return Task(self.name, self.version, dict(params), seed, dict(params))

    def make_problems(self, tasks, rng):
        contents = [task.content for task in tasks]
        slope, intercept, noise, shots = (
            np.array([content[name] for content in contents])
            for name in ("slope", "intercept", "noise", "shots")
        )
        x = rng.uniform(-1.0, 1.0, (len(tasks), MAX_SHOTS + 6)).astype(np.float32)
        y = intercept[:, None] + slope[:, None] * x
        y[:, :MAX_SHOTS] += noise[:, None] * rng.normal(size=(len(tasks), MAX_SHOTS))
        x, y = x[..., None], y[..., None].astype(np.float32)
        mask = np.arange(MAX_SHOTS) < shots[:, None]
        return Problems(
            x[:, :MAX_SHOTS], y[:, :MAX_SHOTS], x[:, MAX_SHOTS:], y[:, MAX_SHOTS:], mask
        )

    def oracle_return(self, task):
        return 0.0


class Halves(ProblemGenerator):
    """Keeps every promise, in classes."""

    name = "halves-v1"
    input_space = Box(-1.0, 1.0, (1,))
    target_space = Discrete(2)
    space = ParameterSpace({"threshold": Float(low=-0.5, high=0.5, default=0.0)})

    def make_task(self, params, seed):
        self.space.validate(params)
        return Task(self.name, self.version, dict(params), seed, dict(params))

    def make_problems(self, tasks, rng):
        B = len(tasks)
        threshold = np.array([task.content["threshold"] for task in tasks])[:, None]
        sides = np.tile([0, 1], (B, 6))
        share = rng.uniform(0.01, 1.0, sides.shape)
        x = np.where(
            sides == 0, threshold - share * (threshold + 1), threshold + share * (1 - threshold)
        )
        x = x.astype(np.float32)[..., None]
        y = sides ^ rng.integers(2, size=(B, 1))
        return Problems(x[:, :4], y[:, :4], x[:, 4:], y[:, 4:], np.ones((B, 4), dtype=bool))

    def oracle_return(self, task):
        return 1.0
