"""Tabular MDPs with a shape: chains, grids with treasures, and swimming up a river.

All of them hide something that has to be found out: in chains and rivers which of the two actions
is which (in each state anew, if `swap_prob` says so), on grids where the treasures are.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.tabular.contents import DECIMALS, Contents, in_millionths
from taskgen.generators.tabular.family import TabularFamily, horizon, noise
from taskgen.parameter_space import Columns, ParameterSpace
from taskgen.parameters import Float, Int
from taskgen.randomness import uniforms
from taskgen.task import Task

Tables = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Probabilities [B, S, 2, S] and mean payments [B, S, 2] of two actions."""
_FALL_BACK, _LEFT_BANK = 0.05, 2.0 / 3.0
_TREASURES = np.array([1.0, 0.5, 0.25])
_MOVES = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])


class LineFamily(TabularFamily):
    """States in a row and two actions, whose names are changed over in some of the states.

    Args:
        max_states: S of the observation, the longest row.
    """

    def __init__(self, max_states: int = 10) -> None:
        super().__init__(max_states, 2)
        if max_states < 4:
            raise ValueError(f"{self.name}: max_states must be at least 4, got {max_states}.")
        self.space = ParameterSpace(
            {
                "states": Int(low=3, high=max_states, default=min(5, max_states), doc="in a row"),
                **self.own_parameters(),
                "swap_prob": Float(
                    low=0.0,
                    high=0.5,
                    default=0.5,
                    doc="chance that the names of a state's actions are changed over",
                ),
                "noise": noise(0.0),
                "horizon": horizon(20, high=200),
            }
        )

    @abstractmethod
    def own_parameters(self) -> dict[str, Float]:
        """Returns the parameters beside length, names, noise and horizon."""

    @abstractmethod
    def tables(self, params: Columns) -> Tables:
        """Returns the tables before names are changed over; rows beyond `states` do not count."""

    def contents(self, params: Columns, seeds: NDArray[np.int64]) -> Contents:
        """Returns the rows of states, with names changed over by the seeds."""
        S, states = self.max_states, params["states"]
        is_state = np.arange(S) < states[:, None]
        shares, rewards = self.tables(params)
        luck = uniforms(np.asarray(seeds).astype(np.uint64), S)
        swapped = luck < params["swap_prob"][:, None]
        shares = np.where(swapped[:, :, None, None], shares[:, :, ::-1], shares)
        rewards = np.where(swapped[:, :, None], rewards[:, :, ::-1], rewards)
        return {
            "states": states,
            "actions": np.full(len(states), 2),
            "horizon": params["horizon"],
            "transitions": in_millionths(shares) * is_state[:, :, None, None],
            "rewards": (rewards * is_state[:, :, None]).round(DECIMALS) + 0.0,
            "noise": params["noise"].astype(np.float64),
        }

    def mutate(self, task: Task, rng: np.random.Generator) -> Task:
        """Returns the same row with the names of one state's actions changed over."""
        state = int(rng.integers(task.content["states"]))
        content = {**task.content}
        for key in ("transitions", "rewards"):
            table = list(content[key])
            table[state] = table[state][::-1]
            content[key] = table
        return task.edited(content, "swap_actions")


class TabularChain(LineFamily):
    """The chain: go forward for nothing until the end pays, or back to the start for a little.

    Forward pays 0, at the last state `end_reward`; back pays `back_reward` and leads to the start.
    With chance `slip` the other action happens; what is paid is the mean of both accordingly.

    Source: Strens 2000, "A Bayesian framework for reinforcement learning" (5 states, slip 0.2, 10
    and 2), whose best policy earns 3,677 in 1,000 steps; there the names are never changed over,
    and rewards are those of what happened.

    Example:
        >>> TabularChain().oracle_return(
        ...     TabularChain().make_task(TabularChain().space.complete({"slip": 0.0}), 0)
        ... )
        160.0
    """

    name = "tabular-chain-v1"

    def own_parameters(self) -> dict[str, Float]:
        """Returns slip and the two rewards."""
        return {
            "slip": Float(low=0.0, high=0.4, default=0.2, doc="chance of the other action"),
            "end_reward": Float(low=1.0, high=20.0, default=10.0, doc="of the end, each step"),
            "back_reward": Float(low=0.0, high=4.0, default=2.0, doc="of going back"),
        }

    def tables(self, params: Columns) -> Tables:
        """Returns forward as action 0 and back as action 1."""
        B, S = len(params["states"]), self.max_states
        rows, states = np.arange(B)[:, None], np.arange(S)[None]
        last = params["states"][:, None] - 1
        pure = np.zeros((B, S, 2, S))
        pure[rows, states, 0, np.minimum(states + 1, last)] = 1.0
        pure[:, :, 1, 0] = 1.0
        paid = np.zeros((B, S, 2))
        paid[:, :, 0] = np.where(states == last, params["end_reward"][:, None], 0.0)
        paid[:, :, 1] = params["back_reward"][:, None]
        slip = params["slip"][:, None, None]
        paid = (1.0 - slip) * paid + slip * paid[:, :, ::-1]
        slip = slip[..., None]
        return (1.0 - slip) * pure + slip * pure[:, :, ::-1], paid


class TabularRiverSwim(LineFamily):
    """Swimming up a river: against the current for a large reward, or with it for a small one.

    Left always succeeds, and pays `left_reward` at the left bank, where episodes begin. Right
    stays with chance `stay`, falls back with chance 0.05 and else swims on; at the left bank it
    stays with two thirds of that chance and else swims on, at the right bank, where it pays 1, it
    stays or falls back.

    Source: Strehl and Littman 2008, "An analysis of model-based interval estimation for Markov
    decision processes"; the numbers (6 states, 0.35, 0.6, 0.05, 0.005 and 1, episodes of 20) as in
    Osband et al. 2013, arXiv 1306.0940; there the names are never changed over.
    """

    name = "tabular-river-swim-v1"

    def own_parameters(self) -> dict[str, Float]:
        """Returns the current and the small reward."""
        return {
            "stay": Float(low=0.1, high=0.9, default=0.6, doc="chance that right gets nowhere"),
            "left_reward": Float(
                low=0.001, high=0.5, default=0.005, log=True, doc="at the left bank, each step"
            ),
        }

    def tables(self, params: Columns) -> Tables:
        """Returns left as action 0 and right as action 1."""
        B, S = len(params["states"]), self.max_states
        rows, states = np.arange(B)[:, None], np.arange(S)[None]
        last, stay = params["states"][:, None] - 1, params["stay"][:, None]
        shares = np.zeros((B, S, 2, S))
        shares[rows, states, 0, np.maximum(states - 1, 0)] = 1.0
        back = np.where(states == 0, 0.0, np.where(states == last, 1.0 - stay, _FALL_BACK))
        stays = np.where(states == 0, _LEFT_BANK * stay, stay)
        on = np.where(states >= last, 0.0, 1.0 - back - stays)
        for there, chance in ((states - 1, back), (states, stays), (states + 1, on)):
            shares[rows, states, 1, np.clip(there, 0, S - 1)] += chance
        paid = np.zeros((B, S, 2))
        paid[:, 0, 0] = params["left_reward"]
        paid[rows, last, 1] = 1.0
        return shares, paid


class TabularGrid(TabularFamily):
    """A square grid with treasures at places unknown: 1 for every step in the best of them.

    Episodes begin in the corner (0, 0); cell (x, y) is state side · y + x. Actions: 0 up (y + 1),
    1 right, 2 down, 3 left; at the edge nothing moves, and with chance `slip` the move is any of
    the four. Acting in a cell pays what lies there: 1 in one, and half as much in each next of
    `treasures` cells, all of them other than the start.

    Args:
        max_side: of the largest grid, 3 to 9; the observation has max_side² states.

    Example:
        >>> family = TabularGrid(max_side=3)
        >>> params = family.space.complete({"side": 2, "treasures": 1, "slip": 0.0})
        >>> task = family.make_task(params, seed=1)
        >>> [row[0] for row in task.content["rewards"][:4]]
        [0.0, 0.0, 1.0, 0.0]
    """

    name = "tabular-grid-v1"
    check_ranges: ClassVar = {"horizon": (10, 100)}  # in one step there is nothing to gain

    def __init__(self, max_side: int = 5) -> None:
        if not 3 <= max_side <= 9:
            raise ValueError(f"{self.name}: max_side must be in [3, 9], got {max_side}.")
        super().__init__(max_side**2, len(_MOVES))
        self.max_side = max_side
        self.space = ParameterSpace(
            {
                "side": Int(
                    low=2, high=max_side, default=max_side, unit="cells", doc="of the grid"
                ),
                "treasures": Int(low=1, high=3, default=2, doc="cells that pay"),
                "slip": Float(low=0.0, high=0.9, default=0.1, doc="chance of a random move"),
                "noise": noise(0.0),
                "horizon": horizon(15),
            }
        )

    def contents(self, params: Columns, seeds: NDArray[np.int64]) -> Contents:
        """Returns grids with treasures in the cells whose luck is largest."""
        B, S, sides = len(params["side"]), self.max_states, params["side"]
        cells = np.arange(S)
        is_state = cells < sides[:, None] ** 2
        shares = np.zeros((B, S, len(_MOVES), S))
        for action, there in enumerate(self._neighbours(sides)):
            shares[np.arange(B)[:, None], cells, action, there] = 1.0
        slip = params["slip"][:, None, None, None]
        shares = (1.0 - slip) * shares + slip * shares.mean(axis=2, keepdims=True)
        luck = uniforms(np.asarray(seeds).astype(np.uint64), S)
        luck = np.where(is_state & (cells > 0), luck, -1.0)
        places = np.argsort(-luck, axis=1, kind="stable")[:, : len(_TREASURES)]
        paid = np.zeros((B, S))
        for rank in range(places.shape[1]):
            worth = np.where(rank < params["treasures"], _TREASURES[rank], 0.0)
            paid[np.arange(B), places[:, rank]] = worth
        return {
            "states": sides**2,
            "actions": np.full(B, len(_MOVES)),
            "horizon": params["horizon"],
            "transitions": in_millionths(shares) * is_state[:, :, None, None],
            "rewards": np.repeat(paid[:, :, None], len(_MOVES), axis=2),
            "noise": params["noise"].astype(np.float64),
        }

    def _neighbours(self, sides: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns where each action leads from each cell, [4, B, S]."""
        y, x = np.divmod(np.arange(self.max_states), sides[:, None])
        last = sides[:, None] - 1
        there = [
            np.clip(y + dy, 0, last) * sides[:, None] + np.clip(x + dx, 0, last)
            for dx, dy in _MOVES.tolist()
        ]
        return np.minimum(np.stack(there), self.max_states - 1)

    def render(self, task: Task) -> NDArray[np.uint8]:
        """Returns a picture with the cells where they are, the start in the lower left corner."""
        from taskgen.generators.tabular.drawing import mdp_picture

        side = int(task.params["side"])
        y, x = np.divmod(np.arange(side**2), side)
        return mdp_picture(task, np.stack([x, side - 1 - y], axis=1) / (side - 1))

    def mutate(self, task: Task, rng: np.random.Generator) -> Task:
        """Returns the grid with one treasure in another cell, whose own takes its place."""
        rewards = np.array(task.content["rewards"])
        origin = int(rng.choice(np.flatnonzero(rewards[:, 0])))
        there = int(rng.choice(np.setdiff1d(np.arange(1, task.content["states"]), [origin])))
        rewards[[origin, there]] = rewards[[there, origin]]
        return task.edited({**task.content, "rewards": rewards.tolist()}, "move_treasure")
