"""The sixteen games as one family of tasks."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from taskgen.generator import EnvGenerator, Validity
from taskgen.generators.procgen import layouts
from taskgen.generators.procgen.engine import ProcgenVectorEnv, action_space, observation_space
from taskgen.generators.procgen.env import ProcgenEnv
from taskgen.generators.procgen.games import GAMES, MAX_LEVELS, MODES, flaw_of
from taskgen.generators.procgen.native import Look
from taskgen.generators.procgen.pinning import picture_of
from taskgen.parameter_space import Columns, ParameterSpace, Row
from taskgen.parameters import Categorical, Int
from taskgen.task import Task

if TYPE_CHECKING:
    import gymnasium

_NEAR = 16


class Procgen(EnvGenerator):
    """Levels of the sixteen Procgen games, seen as pictures: one task is one level, for good.

    A distribution is weights of games and modes and a range of level numbers; how many levels it
    spans is how wide it is. The seed of a task plays no part.

    Args:
        num_levels: how many levels there are of each game and mode, counted from level 0.
        horizon: the longest episode in env steps; None: as long as the game allows (500 to 6000).
        backgrounds: draw pictures behind the levels; False: black.
        monochrome: one colour a kind of thing in place of pictures.
        restrict_themes: one picture a kind of thing in place of several.
        paint_velocity: show the player's velocity as two grey squares in a corner.
        center_agent: the view follows the player where the game is larger than it.

    Raises:
        ValueError: if there are no levels, or no step of an episode.

    Source:
        Cobbe et al. 2020 (arXiv:1912.01588). There a level is drawn anew for every episode; here
        every episode of a lifetime is the same level.

    Example:
        >>> maze = Procgen(horizon=64)
        >>> task = maze.make_task(maze.space.complete({"game": "maze", "level": 777}), seed=0)
        >>> maze.describe(task)["shortest_path"], maze.oracle_return(task)
        (8.0, 10.0)
    """

    name = "procgen-v1"
    check_ranges: ClassVar = {"level": (0, 1000)}

    def __init__(
        self,
        num_levels: int = 100_000,
        horizon: int | None = None,
        backgrounds: bool = True,
        monochrome: bool = False,
        restrict_themes: bool = False,
        paint_velocity: bool = False,
        center_agent: bool = True,
    ) -> None:
        if not 2 <= num_levels <= MAX_LEVELS:
            raise ValueError(f"num_levels must be in [2, {MAX_LEVELS}], got {num_levels}.")
        if horizon is not None and horizon < 1:
            raise ValueError(f"horizon must be at least 1 env step or None, got {horizon}.")
        self.num_levels, self.longest = num_levels, horizon
        self.look = Look(
            backgrounds=backgrounds,
            monochrome=monochrome,
            restrict_themes=restrict_themes,
            paint_velocity=paint_velocity,
            center_agent=center_agent,
        )
        self.space = _space(num_levels)

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the task of a row: its content is game, mode, level, horizon and look."""
        self.space.validate(params)
        row = self.space.complete(params)
        timeout = GAMES[str(row["game"])].timeout
        content = {
            **row,
            "horizon": timeout if self.longest is None else min(self.longest, timeout),
            "look": asdict(self.look),
        }
        return Task(self.name, self.version, row, int(seed), content)

    def varies(self, params: Columns) -> NDArray[np.bool_]:
        """Returns False for each row: it names its level, so another seed changes nothing."""
        return np.zeros(len(params["level"]), dtype=bool)

    def make_env(self, task: Task) -> gymnasium.Env[Any, Any]:
        """Returns one level to play."""
        return ProcgenEnv(task.content, render_mode="rgb_array")

    def make_vector_env(self, num_envs: int) -> ProcgenVectorEnv:
        """Returns `num_envs` games side by side, each on its own level."""
        return ProcgenVectorEnv(num_envs)

    def horizon(self, task: Task) -> int:
        """Returns the env steps of the longest episode."""
        return int(task.content["horizon"])

    def is_valid(self, task: Task) -> Validity:
        """Returns whether the game has the mode, and whether a maze can be solved in time."""
        flaw = flaw_of(task.content)
        if flaw:
            return Validity(False, flaw)
        steps = layouts.fewest_steps(task.content)
        if steps is not None and steps > task.content["horizon"]:
            return Validity(False, "the goal cannot be reached within the horizon")
        return Validity(True)

    def canonical(self, task: Task) -> bytes:
        """Returns what the level looks like, since many numbers give one level.

        The shape of a maze; of other games cells and things, without the pictures they have.
        """
        if flaw_of(task.content):
            return super().canonical(task)
        return layouts.form_of(task.content)

    def describe(self, task: Task) -> dict[str, float]:
        """Returns what is measured of the layout; see `layouts.measured`."""
        return layouts.measured(task.content)

    def graph(self, task: Task) -> nx.Graph:
        """Returns the layout as a graph of free cells; see `layouts.graph_in`.

        Raises:
            ValueError: if the game is not one of `layouts.MAZE_GAMES`.
        """
        if task.content["game"] not in layouts.MAZE_GAMES:
            raise ValueError(
                f"graphs are of {' and '.join(layouts.MAZE_GAMES)}, got {task.content['game']}."
            )
        return layouts.graph_in(task.content)

    def oracle_return(self, task: Task) -> float | None:
        """Returns the best return of an episode of a maze; None of games where nobody knows it."""
        steps = layouts.fewest_steps(task.content)
        if steps is None:
            return None
        return layouts.REWARD if steps <= task.content["horizon"] else 0.0

    def return_bounds(self, task: Task) -> tuple[float, float] | None:
        """Returns (least, most) of a return, to put games on one scale: (R − least)/(most − least).

        As published for easy and hard modes, over all levels of a game; None for other modes.
        """
        return GAMES[task.content["game"]].return_bounds(task.content["mode"])

    def mutate(self, task: Task, rng: np.random.Generator) -> Task | None:
        """Returns a level of the same game and mode whose number is near; numbers have no order.

        So an edit is another level of the range that the task came from, and no small change.
        """
        step = int(rng.integers(1, _NEAR + 1)) * (1 if rng.random() < 0.5 else -1)
        level = int((task.content["level"] + step) % self.num_levels)
        content = {**task.content, "level": level}
        return task.edited(content, "near level", {**task.params, "level": level})

    def render(self, task: Task) -> NDArray[np.uint8]:
        """Returns the first frame, drawn for people, [512, 512, 3]."""
        return picture_of(task.content)

    @property
    def observation_space(self) -> gymnasium.Space[Any]:
        """The space of one frame, [64, 64, 3] of bytes."""
        return observation_space()

    @property
    def action_space(self) -> gymnasium.Space[Any]:
        """The space of one action, the same for every game."""
        return action_space()


def _space(num_levels: int) -> ParameterSpace:
    return ParameterSpace(
        {
            # The one game that has every mode.
            "game": Categorical(choices=tuple(GAMES), default="dodgeball"),
            "mode": Categorical(
                choices=tuple(MODES),
                default="easy",
                doc="extreme and memory exist of some games only; other tasks are not valid",
            ),
            "level": Int(
                low=0,
                high=num_levels - 1,
                default=0,
                min_width=min(100.0, num_levels - 1.0),
                ordered=False,
                doc="number of the level; how many a distribution spans is its width",
            ),
        }
    )
