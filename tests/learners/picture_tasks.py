"""Pictures with a hidden rule: which half is bright is seen, what to do about it is not.

`Halves`: each frame is noise with one half brighter. The right one of two actions is the side of
the bright half, or in tasks with a flip the other one; right pays 1, wrong −1. Who sees and
remembers earns `STEPS` in the second episode, who does not see, nothing.
"""

import gymnasium
import numpy as np

from taskgen.generator import EnvGenerator
from taskgen.parameter_space import ParameterSpace
from taskgen.parameters import Int
from taskgen.task import Task

STEPS = 6
SIDE = 12


class HalvesEnv(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(0, 255, (SIDE, SIDE, 3), np.uint8)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, flip):
        self._flip, self._t, self._bright = flip, 0, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._t = 0
        return self._drawn(), {}

    def step(self, action):
        reward = 1.0 if int(action) == (self._bright ^ self._flip) else -1.0
        self._t += 1
        return self._drawn(), reward, False, self._t >= STEPS, {}

    def _drawn(self):
        self._bright = int(self.np_random.integers(2))
        frame = self.np_random.integers(0, 120, (SIDE, SIDE, 3))
        half = slice(0, SIDE // 2) if self._bright == 0 else slice(SIDE // 2, SIDE)
        frame[:, half] += 120
        return frame.astype(np.uint8)


class Halves(EnvGenerator):
    name = "halves-v1"
    has_success = False
    space = ParameterSpace({"flip": Int(low=0, high=1, default=0)})
    observation_space = HalvesEnv.observation_space
    action_space = HalvesEnv.action_space

    def make_task(self, params, seed):
        self.space.validate(params)
        flip = int(params["flip"])
        return Task(self.name, self.version, {"flip": flip}, seed, {"flip": flip, "seed": seed})

    def make_env(self, task):
        return HalvesEnv(task.content["flip"])

    def horizon(self, task):
        return STEPS

    def tasks(self, num, seed=0, flip=0):
        return [self.make_task({"flip": flip}, k + 1000 * seed) for k in range(num)]
