"""The maze family: walk to a goal that is always in the same place, seeing five by five cells.

`Maze` is the plug-in; the parts lie beside it: `layouts` and `carving` make mazes in batches,
`engine` plays them, `geometry` and `graph` measure them, `mutate`, `drawing` and `suites` do what
their names say. `arrays` has the form that all of them share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import networkx as nx
import numpy as np
from numpy.typing import NDArray

from taskgen.batch import TaskBatch
from taskgen.generator import EnvGenerator, Validity
from taskgen.generators.maze import drawing, engine, geometry, layouts, suites
from taskgen.generators.maze.arrays import MAX_SIDE, MazeArrays, decode
from taskgen.generators.maze.batch import MazeBatch
from taskgen.generators.maze.canonical import canonical_forms
from taskgen.generators.maze.edits import edited
from taskgen.generators.maze.env import MazeEnv
from taskgen.generators.maze.graph import features, graph_of
from taskgen.generators.maze.mutate import mutated
from taskgen.parameter_space import Columns, OutOfSpace, ParameterSpace, Row
from taskgen.parameters import Categorical, Float, Int
from taskgen.task import Task

_BRAIDED = ("depth_first", "wilson", "kruskal", "rooms")

SPACE = ParameterSpace(
    {
        "size": Int(
            low=5,
            high=MAX_SIDE,
            step=2,
            default=13,
            unit="cells",
            min_width=4,
            open_ended=True,
            doc="interior cells a side",
        ),
        "layout": Categorical(
            choices=layouts.LAYOUTS,
            default="depth_first",
            doc="how walls are laid; depth-first has the longest ways",
        ),
        # Loops make ways ambiguous, so that a second episode can improve on the first.
        "braid": Float(
            low=0.0,
            high=1.0,
            default=0.3,
            min_width=0.1,
            active_when={"layout": _BRAIDED},
            doc="share of dead ends opened (rooms: of walls with a second door)",
        ),
        # Above 0.4 the free cells no longer hang together on large grids (site percolation).
        "wall_density": Float(
            low=0.0,
            high=0.4,
            default=0.25,
            active_when={"layout": ("random_walls",)},
            doc="share of cells that are wall",
        ),
        # Short of the farthest cell, which is always at the end of the longest corridor.
        "goal_distance": Float(
            low=0.0,
            high=1.0,
            default=0.75,
            doc="quantile of the goal's distance among all cells: 0 nearest, 1 farthest",
        ),
        "horizon_factor": Float(
            low=0.25,
            high=4.0,
            default=1.0,
            log=True,
            doc="horizon over 4·size + size²/2 env steps",
        ),
    }
)


class Maze(EnvGenerator):
    """Mazes with one start and one goal; the walls are the task, and never shown whole.

    Example:
        >>> task = Maze().make_task(Maze.space.complete({"size": 5}), seed=1)
        >>> task.content["height"], task.content["horizon"], Maze().is_valid(task).ok
        (5, 33, True)
    """

    name = "maze-v1"
    space = SPACE
    check_ranges: ClassVar = {"size": (5, 25)}  # larger ones play alike, only longer

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the maze of a row and a seed: a batch of one."""
        self.space.validate(params)
        task = self.make_tasks(self.space.columns([params]), np.array([seed % 2**64]))[0]
        return Task(task.generator, task.version, task.params, int(seed), task.content)

    def make_tasks(self, params: Columns, seeds: NDArray[np.int64]) -> MazeBatch:
        """Returns the mazes of B rows and B seeds, made and kept as arrays.

        Raises:
            OutOfSpace: naming the first row that is not of the space.
        """
        _check(self.space, params)
        return MazeBatch(self, layouts.generate(params, seeds), params, seeds)

    def make_env(self, task: Task) -> gymnasium.Env[Any, Any]:
        """Returns one maze as an environment."""
        return MazeEnv(task, render_mode="rgb_array")

    def make_vector_env(self, num_envs: int) -> engine.MazeVectorEnv:
        """Returns the batched engine."""
        return engine.MazeVectorEnv(num_envs)

    def horizon(self, task: Task) -> int:
        """Returns the number of env steps after which an episode of this maze ends."""
        return int(decode(task.content).horizons[0])

    def is_valid(self, task: Task) -> Validity:
        """Returns whether the goal can be reached within the horizon, with the reason if not."""
        return geometry.validity(task.content)

    def oracle_return(self, task: Task) -> float | None:
        """Returns the reward of the least number of actions, turns counted; 0 if not valid."""
        mazes = decode(task.content)
        if geometry.status(mazes)[0] != geometry.OK:
            return 0.0
        return geometry.reward(int(geometry.min_actions(mazes)[0]), int(mazes.horizons[0]))

    def canonical(self, task: Task) -> bytes:
        """Returns the shape alone, whatever its rotation, reflection and unreachable cells."""
        return canonical_forms(decode(task.content))[0]

    def describe(self, task: Task) -> dict[str, float]:
        """Returns the features of `graph.features`: path lengths, dead ends, loops and more."""
        return features(decode(task.content))

    def graph(self, task: Task) -> nx.Graph:
        """Returns the graph of the free cells; see `graph.graph_of`."""
        return graph_of(decode(task.content))

    def mutate(self, task: Task, rng: np.random.Generator) -> Task | None:
        """Returns a valid maze a few walls, a start or a goal away; None if no try gave one."""
        return mutated(self.space, task, rng)

    def mutate_tasks(
        self, tasks: Sequence[Task], num_edits: int, rng: np.random.Generator
    ) -> tuple[TaskBatch, NDArray[np.int64]]:
        """Returns each maze after `num_edits` edits in a row, made and kept as arrays."""
        return edited(self, tasks, num_edits, rng)

    def to_ascii(self, task: Task) -> str:
        """Returns the maze as text; see `drawing`."""
        return drawing.to_ascii(decode(task.content))

    def from_ascii(self, text: str, horizon: int | None = None) -> Task:
        """Returns the task of a text; its size is the longer side, made odd, its rest default.

        Raises:
            ValueError: if the text is not a maze; the message says why.
        """
        return self._task(drawing.from_ascii(text, horizon), seed=0)

    def suites(self) -> dict[str, list[Task]]:
        """Returns the named sets of `suites`; never trained or selected on."""
        return {
            name: [self._task(maze, seed) for seed, maze in enumerate(suites.suite(name))]
            for name in suites.SUITES
        }

    def render(self, task: Task) -> NDArray[np.uint8]:
        """Returns a picture of maze, start, goal and a shortest way, [height, width, 3]."""
        return drawing.picture(decode(task.content))

    def _task(self, maze: MazeArrays, seed: int) -> Task:
        """Returns the task of a maze that no parameters made; they tell its size alone."""
        side = max(int(maze.heights[0]), int(maze.widths[0]), 5)
        params = self.space.complete({"size": side + 1 - side % 2})
        return Task(self.name, self.version, params, seed, maze.content(0))


def _check(space: ParameterSpace, params: Columns) -> None:
    missing = [name for name in space if name not in params]
    if missing:
        raise OutOfSpace(f"the columns lack {', '.join(missing)}; give every parameter.")
    inside = np.ones(len(params["size"]), dtype=bool)
    for name, parameter in space.items():
        column = params[name]
        if isinstance(parameter, Categorical):
            inside &= np.isin(column, parameter.choices)
        else:
            inside &= (column >= parameter.low) & (column <= parameter.high)
        if isinstance(parameter, Int):
            inside &= (column - parameter.low) % parameter.step == 0
    if not inside.all():
        space.validate(space.rows(params)[int(np.argmin(inside))])
