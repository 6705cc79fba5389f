"""A MuJoCo family: a body under rules, as a plug-in."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import gymnasium
import numpy as np
from numpy.typing import NDArray

from taskgen.generator import EnvGenerator, Validity
from taskgen.generators.mujoco.bodies import Body
from taskgen.generators.mujoco.edits import mutated
from taskgen.generators.mujoco.probing import MuJoCoBatch, stable
from taskgen.generators.mujoco.rules import Rules
from taskgen.generators.mujoco.space import content_of
from taskgen.generators.mujoco.suites import REGIONS, Region, suite_rows
from taskgen.parameter_space import Columns, Row
from taskgen.task import Task

if TYPE_CHECKING:
    from taskgen.generators.mujoco.engine import MuJoCoVectorEnv
    from taskgen.generators.mujoco.env import MuJoCoEnv


class MuJoCoFamily(EnvGenerator):
    """Tasks of one body under one set of rules; `families` has the rows.

    The content is what the physics sees of the parameters; the seed of a task plays no part but
    for rough ground and piers.
    """

    has_success = False
    body: ClassVar[Body]
    rules: ClassVar[Rules]

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the task of a row of parameters."""
        self.space.validate(params)
        task = self.make_tasks(self.space.columns([params]), np.array([seed % 2**31]))[0]
        return Task(self.name, self.version, self.space.complete(params), int(seed), task.content)

    def make_tasks(self, params: Columns, seeds: NDArray[np.int64]) -> MuJoCoBatch:
        """Returns the tasks of B rows, kept as arrays."""
        content = content_of(self.body, self.rules, params, seeds)
        return MuJoCoBatch(self, params, seeds, content)

    def make_env(self, task: Task) -> MuJoCoEnv:
        """Returns one body as an environment."""
        from taskgen.generators.mujoco.env import MuJoCoEnv

        return MuJoCoEnv(task, self.body, self.rules, render_mode="rgb_array")

    def make_vector_env(self, num_envs: int) -> MuJoCoVectorEnv:
        """Returns `num_envs` bodies on one pool of threads."""
        from taskgen.generators.mujoco.engine import MuJoCoVectorEnv

        return MuJoCoVectorEnv(self.body, self.rules, num_envs)

    def horizon(self, task: Task) -> int:
        """Returns the env steps of an episode, the same for every task of the family."""
        del task
        return self.rules.horizon

    def is_valid(self, task: Task) -> Validity:
        """Returns whether the body settles and stays finite under random control."""
        content = {key: np.array([value]) for key, value in task.content.items()}
        ok = bool(stable(self, content)[0])
        return Validity(ok, "" if ok else "the body does not stay finite under random control")

    def mutate(self, task: Task, rng: np.random.Generator) -> Task | None:
        """Returns a valid task with one or two parameters moved a little; None if none came."""
        return mutated(self, task, rng)

    def describe(self, task: Task) -> dict[str, float]:
        """Returns what the physics sees, in numbers: 1 is the default of a factor, 0 of the rest.

        Of factors that there are many of, the smallest and the largest.
        """
        content = {
            key: np.asarray(value, dtype=float)
            for key, value in task.content.items()
            if not isinstance(value, str) and not key.endswith("_seed")
        }
        weight = content["gravity"]
        strengths = content["strength"] * (content["fault"] == 0)
        features = {
            "gravity": float(np.linalg.norm(weight)),
            "gravity_tilt": float(np.degrees(np.arctan2(np.hypot(*weight[:2]), -weight[2]))),
            "lightest_part": float(content["mass"].min()),
            "heaviest_part": float(content["mass"].max()),
            "weakest_actuator": float(strengths.min()),
            "num_dead_actuators": float((strengths == 0).sum()),
            "wind": float(np.linalg.norm(content["wind"])),
            "slope": float(np.abs(content.get("slope", np.zeros(1))).max()),
        }
        plain = {key: float(value) for key, value in content.items() if value.ndim == 0}
        goal = content.get("goal", np.zeros(0))
        return {**features, **plain, **{f"goal_{k}": float(x) for k, x in enumerate(goal)}}

    def render(self, task: Task) -> NDArray[np.uint8]:
        """Returns the body with its goal, or a card of its parameters where there is no OpenGL."""
        from taskgen.generators.mujoco.drawing import picture

        return picture(self, task)

    @property
    def regions(self) -> dict[str, Region]:
        """The named regions of this body; see `suites`."""
        return dict(REGIONS.get(self.body.name, {}))

    def suites(self) -> dict[str, list[Task]]:
        """Returns a set of tasks of every named region that is not for training."""
        return {
            name: self._suite(region)
            for name, region in self.regions.items()
            if not name.endswith("training")
        }

    def _suite(self, region: Region) -> list[Task]:
        rows = suite_rows(self.space, region)
        return list(self.make_tasks(rows, np.arange(len(rows["mass"]))))

    @cached_property
    def _spaces(self) -> tuple[gymnasium.Space[Any], gymnasium.Space[Any]]:
        from taskgen.generators.mujoco.arena import Arena
        from taskgen.generators.mujoco.engine import spaces_of

        return spaces_of(Arena(self.body, self.rules, num_slots=1, num_threads=1))

    @property
    def observation_space(self) -> gymnasium.Space[Any]:
        """The space of one observation, the same for every task."""
        return self._spaces[0]

    @property
    def action_space(self) -> gymnasium.Space[Any]:
        """The space of one action, the same for every task."""
        return self._spaces[1]
