"""`grid-goal-v1`: find the cell that pays on a small grid, and go straight there ever after.

Nothing is observed but where one stands. A lifetime begins with a search, and the art is to search
in an order that leaves the shortest ways for later; the best that anyone can do is computed
exactly (`beliefs`), so a learner can be held against the optimum.

Source: Zintgraf et al. 2020, "VariBAD: A very good method for Bayes-adaptive deep RL via
meta-learning", arXiv 1910.08348, §5.1 and its published code: 5 × 5 cells, 15 steps, 4 episodes,
goals on the 21 cells outside of the 2 × 2 in the start's corner. Here the position is observed as
one-hot x and y, since sides may differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import content_texts
from taskgen.distribution import Interval, TaskDistribution
from taskgen.generators.goals.beliefs import HiddenGoal, most_steps_on_goal
from taskgen.generators.goals.drawing import Walk, grid_lifetime, grid_picture
from taskgen.generators.goals.family import Contents, GoalFamily
from taskgen.generators.goals.grid_engine import (
    ACTION_SPACE,
    MAX_SIZE,
    OBSERVATION_SPACE,
    GridGoalEnv,
    GridGoalVectorEnv,
    positions_of,
    total_reward,
)
from taskgen.parameter_space import Columns, ParameterSpace
from taskgen.parameters import Float, Int
from taskgen.randomness import uniforms
from taskgen.recording import Episode
from taskgen.task import Task


class GridGoal(GoalFamily):
    """Square grids with a hidden goal: five actions, +1 for every step on it, else −0.1.

    Episodes start in the corner (0, 0) and last `round(size · horizon_factor)` steps. Actions:
    0 stay, 1 up (y + 1), 2 right (x + 1), 3 down, 4 left; at the edge nothing moves.

    Example:
        >>> GridGoal().make_task(GridGoal.space.complete({}), seed=0).content
        {'size': 5, 'goal': [4, 0], 'horizon': 15}
    """

    name = "grid-goal-v1"
    observation_space = OBSERVATION_SPACE
    action_space = ACTION_SPACE
    space = ParameterSpace(
        {
            "size": Int(low=3, high=MAX_SIZE, default=5, unit="cells", doc="cells a side"),
            "goal_distance": Float(
                low=0.0,
                high=1.0,
                default=0.5,
                doc="quantile of the goal's distance among its cells: 0 nearest, 1 farthest",
            ),
            "horizon_factor": Float(
                low=2.0, high=10.0, default=3.0, log=True, doc="horizon over cells a side"
            ),
        }
    )

    def contents(self, params: Columns, seeds: NDArray[np.int64]) -> Contents:
        """Returns grids whose goals are drawn among the cells that are equally far."""
        sizes = params["size"].astype(np.int64)
        luck = uniforms(np.asarray(seeds).astype(np.uint64), 1)[:, 0]
        goals = np.empty((len(sizes), 2), dtype=np.int64)
        for size in np.unique(sizes):
            here = sizes == size
            goals[here] = _goals(int(size), params["goal_distance"][here], luck[here])
        horizons = np.floor(sizes * params["horizon_factor"] + 0.5).astype(np.int64)
        return {"size": sizes, "goal": goals, "horizon": horizons}

    def forms(self, contents: Contents) -> list[bytes]:
        """Returns side and goal, a goal and its mirror image in the diagonal as one."""
        goals = np.sort(contents["goal"], axis=1)
        return content_texts({"size": contents["size"], "goal": goals})

    def make_env(self, task: Task) -> GridGoalEnv:
        """Returns one grid to walk on."""
        return GridGoalEnv(task)

    def make_vector_env(self, num_envs: int) -> GridGoalVectorEnv:
        """Returns `num_envs` grids that are walked on in a few array operations."""
        return GridGoalVectorEnv(num_envs)

    def describe(self, task: Task) -> dict[str, float]:
        """Returns how many steps away the goal is, and how many other cells are no farther."""
        size, distance = task.content["size"], sum(task.content["goal"])
        nearer = [sum(cell) <= distance for cell in goal_cells(size).tolist()]
        return {"steps_to_goal": float(distance), "cells_no_farther": float(sum(nearer) - 1)}

    def mutate(self, task: Task, rng: np.random.Generator) -> Task:
        """Returns the grid with its goal on a neighbouring cell; its distance is measured again."""
        size, goal = task.content["size"], np.array(task.content["goal"])
        cells = goal_cells(size)
        near = cells[np.abs(cells - goal).sum(axis=1) == 1]
        there = rng.choice(near)
        low, high = _quantiles(size, int(there.sum()))
        params = {**task.params, "goal_distance": 0.5 * (low + high)}
        return task.edited({**task.content, "goal": there.tolist()}, "move_goal", params)

    def oracle_return(self, task: Task) -> float:
        """Returns (H + 1 − d) − 0.1 · (d − 1) for a goal d steps away: there at once, and stay."""
        distance, horizon = sum(task.content["goal"]), task.content["horizon"]
        return total_reward(horizon + 1 - distance, horizon)

    def bayes_return(self, distribution: TaskDistribution, num_episodes: int) -> float | None:
        """Returns the Bayes-optimal expected return of a lifetime; see `beliefs`.

        None where size or horizon vary, or where there are too many beliefs.
        """
        size, distance, factor = (distribution.regions[name] for name in self.space)
        assert isinstance(size, Interval)
        assert isinstance(distance, Interval)
        assert isinstance(factor, Interval)
        if size.low != size.high or factor.low != factor.high or distribution.rehearsal:
            return None
        horizon = math.floor(size.low * factor.low + 0.5)
        weights = goal_weights(int(size.low), distance)
        steps = most_steps_on_goal(HiddenGoal(weights, horizon, num_episodes))
        return None if steps is None else total_reward(steps, horizon * num_episodes)

    def suites(self) -> dict[str, list[Task]]:
        """Returns every goal of the published grid, and of one that is larger."""
        return {f"every-goal-{size}": self._every_goal(size) for size in (5, 7)}

    def render(self, task: Task) -> NDArray[np.uint8]:
        """Returns a picture of the grid, its start and its goal, [height, width, 3]."""
        return grid_picture(task.content["size"], task.content["goal"])

    def render_lifetime(self, task: Task, episodes: Sequence[Episode]) -> NDArray[np.uint8]:
        """Returns the grid once an episode, with the way that was walked."""
        walks = [
            Walk(positions_of(episode.observations), float(episode.rewards.sum()), episode.number)
            for episode in episodes
        ]
        return grid_lifetime(task.content["size"], task.content["goal"], walks)

    def _every_goal(self, size: int) -> list[Task]:
        tasks = []
        for goal in goal_cells(size).tolist():
            low, high = _quantiles(size, sum(goal))
            params = self.space.complete({"size": size, "goal_distance": 0.5 * (low + high)})
            content = {"size": size, "goal": goal, "horizon": 3 * size}
            tasks.append(Task(self.name, self.version, params, 0, content))
        return tasks


def goal_cells(size: int) -> NDArray[np.int64]:
    """Returns the cells that may hold a goal, nearest first, [cells, 2].

    All but the start and its three neighbours, the diagonal one among them.
    """
    x, y = np.divmod(np.arange(size**2), size)
    far = np.flatnonzero(np.maximum(x, y) >= 2)
    order = far[np.argsort((x + y)[far], kind="stable")]
    return np.stack([x[order], y[order]], axis=1)


def goal_weights(size: int, distance: Interval) -> NDArray[np.float64]:
    """Returns the chance that each cell holds the goal, [size, size] by x and y.

    Args:
        size: cells a side.
        distance: where quantiles of the distance are drawn from.
    """
    cells = goal_cells(size)
    ends = np.array([_quantiles(size, far) for far in cells.sum(axis=1).tolist()])
    if distance.low == distance.high:
        farness = _farness(cells, np.array([distance.low]))
        inside = (cells.sum(axis=1) == farness).astype(np.float64)
    else:
        low, high = np.clip(ends, distance.low, distance.high).T
        inside = (high - low) / (ends[:, 1] - ends[:, 0])
    weights = np.zeros((size, size))
    weights[tuple(cells.T)] = inside / inside.sum()
    return weights


def _farness(cells: NDArray[np.int64], quantiles: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns the distances at quantiles of the distances of cells, [B]."""
    ranks = np.minimum((quantiles * len(cells)).astype(np.int64), len(cells) - 1)
    return cells.sum(axis=1)[ranks]


def _quantiles(size: int, distance: int) -> tuple[float, float]:
    """Returns the ends of the quantiles at which goals are so far away."""
    far = goal_cells(size).sum(axis=1)
    return float((far < distance).mean()), float((far <= distance).mean())


def _goals(
    size: int, quantiles: NDArray[np.float64], luck: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Returns a goal for each quantile, by luck one of those that are equally far, [B, 2]."""
    cells = goal_cells(size)
    far = cells.sum(axis=1)
    farness = _farness(cells, quantiles)
    first = np.searchsorted(far, farness, side="left")
    count = np.searchsorted(far, farness, side="right") - first
    return cells[first + (luck * count).astype(np.int64)]
