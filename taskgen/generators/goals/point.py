"""Points in the plane that must find a hidden goal: three published tasks, a name for each.

`point-goal-v1` has goals in a square and pays minus the distance, `point-goal-sparse-v1` goals on
a half-circle and pays near them alone, `point-goal-corners-v1` four goals. They differ in the
length of a step, in the reward and in the end of an episode, so no result of one is one of another.

Every episode starts at the origin, an action is what is added to the position, and the position
is all that is observed.

Source: see each class; where the papers and their code differ, it is the code.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import content_texts
from taskgen.generators.goals.drawing import Scene, Walk, plane_lifetime, plane_picture
from taskgen.generators.goals.family import Contents, GoalFamily
from taskgen.generators.goals.point_engine import (
    OBSERVATION_SPACE,
    PointGoalEnv,
    PointGoalVectorEnv,
    PointRules,
)
from taskgen.parameter_space import Columns, ParameterSpace, Row
from taskgen.parameters import Categorical, Float, Int
from taskgen.recording import Episode
from taskgen.task import Task

_CORNERS = {
    "north_east": (1.0, 1.0),
    "north_west": (-1.0, 1.0),
    "south_west": (-1.0, -1.0),
    "south_east": (1.0, -1.0),
}
_NUDGE = 0.1
_DECIMALS, _FORM_DECIMALS = 6, 3


class PointFamily(GoalFamily):
    """What the three have in common: a goal in the plane, and steps towards it."""

    observation_space = OBSERVATION_SPACE
    rules: ClassVar[PointRules]
    """How long a step is, what it pays, and when an episode ends."""
    moving: ClassVar[tuple[str, ...]]
    """The parameters that say where the goal is."""
    places: ClassVar[Sequence[NDArray[np.float64]]]
    """Lines or points, [n, 2], that show where goals of the published distribution are."""
    named_suites: ClassVar[Mapping[str, Sequence[Row]]]
    """Rows of each suite; what they do not name stays at its default."""

    def __init__(self) -> None:
        self.action_space = self.rules.action_space()

    @abstractmethod
    def goals(self, params: Columns) -> NDArray[np.float64]:
        """Returns the goals of B rows, [B, 2]."""

    def contents(self, params: Columns, seeds: NDArray[np.int64]) -> Contents:
        """Returns goals and horizons; the parameters say all, the seeds nothing."""
        del seeds
        zeros = np.zeros(len(params["horizon"]))
        return {
            "goal": self.goals(params).round(_DECIMALS) + 0.0,  # and no −0
            "horizon": params["horizon"],
            "reward_radius": params.get("reward_radius", zeros),
        }

    def forms(self, contents: Contents) -> list[bytes]:
        """Returns the goals to a thousandth, whatever the horizon and what is paid around them."""
        return content_texts({"goal": contents["goal"].round(_FORM_DECIMALS) + 0.0})

    def make_env(self, task: Task) -> PointGoalEnv:
        """Returns one plane with its goal."""
        return PointGoalEnv(task, self.rules)

    def make_vector_env(self, num_envs: int) -> PointGoalVectorEnv:
        """Returns `num_envs` planes, stepped in a few array operations."""
        return PointGoalVectorEnv(num_envs, self.rules)

    def describe(self, task: Task) -> dict[str, float]:
        """Returns how far away the goal is, and in how many steps it can be reached."""
        gap = np.abs(task.content["goal"])
        steps = np.ceil(gap.max() / self.rules.max_step - 1e-9)
        return {"goal_distance": float(np.hypot(*gap)), "steps_to_goal": float(steps)}

    def mutate(self, task: Task, rng: np.random.Generator) -> Task:
        """Returns the task with one parameter of its goal moved.

        A number by a normal step of a tenth of its axis, a choice to another one.
        """
        name = str(rng.choice(list(self.moving)))
        parameter, value = self.space[name], task.params[name]
        params = dict(task.params)
        if isinstance(parameter, Categorical):
            params[name] = str(rng.choice([c for c in parameter.choices if c != value]))
        else:
            width = parameter.high - parameter.low
            params[name] = parameter.from_axis(float(value) + rng.normal(0.0, _NUDGE * width))
        made = self.make_task(params, task.seed)
        content = {**task.content, "goal": made.content["goal"]}
        return task.edited(content, f"move_{name}", params)

    def oracle_return(self, task: Task) -> float:
        """Returns the sum of rewards on the way that is nearest to the goal after every step.

        Both coordinates go there at full speed, so that no other way is nearer at any time; no
        reward grows with the distance, and an end at the goal spares what is below 0.
        """
        goal = np.abs(np.array(task.content["goal"]))
        steps = np.arange(1, task.content["horizon"] + 1)
        gaps = np.maximum(goal - self.rules.max_step * steps[:, None], 0.0)
        rewards, at_goal = self.rules.pay(gaps, task.content["reward_radius"])
        if self.rules.ends_at_goal and at_goal.any():
            rewards = rewards[: int(at_goal.argmax()) + 1]
        return float(rewards.sum())

    def suites(self) -> dict[str, list[Task]]:
        """Returns the suites of `named_suites`."""
        return {
            name: [self.make_task(self.space.complete(row), 0) for row in rows]
            for name, rows in self.named_suites.items()
        }

    def render(self, task: Task) -> NDArray[np.uint8]:
        """Returns a picture of start, goal, where it pays and where goals are drawn from."""
        return plane_picture(self._scene(task))

    def render_lifetime(self, task: Task, episodes: Sequence[Episode]) -> NDArray[np.uint8]:
        """Returns the same with the way of each episode."""
        walks = [
            Walk(played.observations.astype(np.float64), float(played.rewards.sum()), played.number)
            for played in episodes
        ]
        return plane_lifetime(self._scene(task, [walk.path for walk in walks]), walks)

    def _scene(self, task: Task, paths: Sequence[NDArray[np.number[Any]]] = ()) -> Scene:
        """Returns what is shown: all goals that there may be, and of long ways twice as much."""
        goal = np.array(task.content["goal"])
        reach = np.abs(np.concatenate([goal[None], *self.places])).max()
        longest = max((float(np.abs(path).max()) for path in paths), default=0.0)
        shown = 1.2 * max(float(reach), min(longest, 2.0 * float(reach)))
        return Scene(goal, task.content["reward_radius"], self.places, shown)


def _circle(degrees: NDArray[np.float64], radius: float = 1.0) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _horizon(low: int) -> Int:
    return Int(low=low, high=200, default=100, unit="steps", doc="env steps of an episode")


class PointGoal(PointFamily):
    """2-D navigation, dense: −distance to a goal anywhere in a square, steps of 0.1 an axis.

    The published goals are uniform on [−0.5, 0.5]²; an episode ends within 0.01 of the goal on
    both axes, or after 100 steps.

    Source: Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning for fast adaptation of deep
    networks", arXiv 1703.03400, §5.3. The text says squared distance, the code takes the distance.

    Example:
        >>> task = PointGoal().make_task({"goal_x": 0.3, "goal_y": -0.4, "horizon": 100}, seed=0)
        >>> task.content["goal"], round(PointGoal().oracle_return(task), 3)
        ([0.3, -0.4], -0.684)
    """

    name = "point-goal-v1"
    rules = PointRules(max_step=0.1, tolerance=0.01, ends_at_goal=True)
    moving = ("goal_x", "goal_y")
    places = (0.5 * np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]),)
    space = ParameterSpace(
        {
            "goal_x": Float(low=-1.0, high=1.0, default=0.5, doc="the goal's x"),
            "goal_y": Float(low=-1.0, high=1.0, default=0.0, doc="the goal's y"),
            "horizon": _horizon(10),
        }
    )
    named_suites: ClassVar = {
        "square": [
            {"goal_x": x, "goal_y": y}
            for x in (-0.5, -0.25, 0.0, 0.25, 0.5)
            for y in (-0.5, -0.25, 0.0, 0.25, 0.5)
            if (x, y) != (0.0, 0.0)
        ],
        "around-the-square": [
            {"goal_x": float(x), "goal_y": float(y)}
            for x, y in _circle(np.arange(0.0, 360.0, 15.0)).round(_DECIMALS)
        ],
    }

    def goals(self, params: Columns) -> NDArray[np.float64]:
        """Returns the goals as the parameters have them."""
        return np.stack([params["goal_x"], params["goal_y"]], axis=1).astype(np.float64)


class PointGoalSparse(PointFamily):
    """2-D navigation, sparse: 1 − distance near a goal on a half-circle, elsewhere nothing.

    The published goals are uniform on the upper half of the circle of radius 1, and what is farther
    than 0.2 from them pays nothing; 100 steps of 0.1 an axis, whatever happens.

    Source: Rakelly et al. 2019, "Efficient off-policy meta-reinforcement learning via probabilistic
    context variables", arXiv 1903.08254, §6.3, where training sees the dense reward; Zintgraf et
    al. 2020, arXiv 1910.08348, whose code trains on the sparse one, as here, for 100 steps.
    """

    name = "point-goal-sparse-v1"
    rules = PointRules(max_step=0.1, sparse=True)
    moving = ("angle", "distance")
    places = (_circle(np.linspace(0.0, 180.0, 61)),)
    space = ParameterSpace(
        {
            "angle": Float(
                low=0.0, high=360.0, default=90.0, unit="degrees", doc="from the x axis to the goal"
            ),
            "distance": Float(low=0.3, high=2.0, default=1.0, doc="of the goal from the start"),
            "reward_radius": Float(
                low=0.05, high=1.0, default=0.2, log=True, doc="within which the goal pays"
            ),
            "horizon": _horizon(20),
        }
    )
    # 360 degrees are 0 again, and random play hardly ever meets what is small or far away.
    check_ranges: ClassVar = {
        "angle": (0.0, 180.0),
        "distance": (0.3, 1.0),
        "reward_radius": (0.3, 1.0),
    }
    named_suites: ClassVar = {
        "half-circle": [{"angle": float(angle)} for angle in np.linspace(0.0, 180.0, 25)],
        "other-half": [{"angle": float(angle)} for angle in np.linspace(190.0, 350.0, 17)],
    }

    def goals(self, params: Columns) -> NDArray[np.float64]:
        """Returns the goals at their angles and distances."""
        return _circle(params["angle"]) * params["distance"][:, None]


class PointGoalCorners(PointFamily):
    """2-D navigation with four goals: −distance to one of the corners (±2, ±2).

    100 steps of 0.2 an axis, whatever happens; within a step of the corner at the end is a success.

    Source: Rothfuss et al. 2019, "ProMP: Proximal meta-policy search", arXiv 1810.06784, and its
    code, with the reward that is called dense there. Its sparse one pays for progress beyond a
    line and takes nothing for going back across it, so that walking to and fro pays best: left
    out. Episodes start at the origin, there within 0.2 of it.
    """

    name = "point-goal-corners-v1"
    rules = PointRules(max_step=0.2, tolerance=0.2)
    moving = ("corner", "distance")
    places = tuple(2.0 * np.array([corner]) for corner in _CORNERS.values())
    space = ParameterSpace(
        {
            "corner": Categorical(
                choices=tuple(_CORNERS), default="north_east", doc="which way the goal is"
            ),
            "distance": Float(low=0.5, high=4.0, default=2.0, doc="of the corner along each axis"),
            "horizon": _horizon(20),
        }
    )
    named_suites: ClassVar = {"corners": [{"corner": corner} for corner in _CORNERS]}

    def goals(self, params: Columns) -> NDArray[np.float64]:
        """Returns the corners as far away as the parameters have them."""
        signs = np.array([_CORNERS[str(corner)] for corner in params["corner"]])
        return signs.reshape(-1, 2) * params["distance"][:, None]
