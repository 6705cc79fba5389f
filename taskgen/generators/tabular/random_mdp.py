"""`tabular-mdp-v1`: MDPs whose tables are drawn at random.

Source: Duan et al. 2016, "RL²: Fast reinforcement learning via slow reinforcement learning", arXiv
1611.02779, §3.2: 10 states, 5 actions, transitions from a flat Dirichlet, mean payments from
Normal(1, 1) with noise of deviation 1, episodes of 10 steps from the first state. Those are the
defaults here; the paper's distribution is one point of this space.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

from taskgen.generators.tabular.contents import DECIMALS, Contents, in_millionths
from taskgen.generators.tabular.family import TabularFamily, horizon, noise
from taskgen.parameter_space import Columns, ParameterSpace
from taskgen.parameters import Float, Int
from taskgen.randomness import uniforms

_DENSE_ENTRIES = 8_000  # a table without zeros has to fit into 64 KiB
_HALF = 2.0**-54  # keeps uniforms away from 0


class TabularMDP(TabularFamily):
    """MDPs with Dirichlet transitions and normal payments.

    Args:
        max_states: S of the observation, the most states of a task.
        max_actions: A of the action space, the most actions of a task; those that a task has not
            do what action a mod `actions` does.

    Raises:
        ValueError: if max_states² · max_actions is more than fits into a task.

    Example:
        >>> family = TabularMDP(max_states=3, max_actions=2)
        >>> task = family.make_task(family.space.complete({}), seed=0)
        >>> task.content["transitions"][0]
        [[784077, 206145, 9778], [874193, 27794, 98013]]
        >>> task.content["rewards"]
        [[0.175034, 2.011683], [2.060273, 1.413037], [2.47233, 0.558002]]
    """

    name = "tabular-mdp-v1"

    def __init__(self, max_states: int = 10, max_actions: int = 5) -> None:
        super().__init__(max_states, max_actions)
        if max_states**2 * max_actions > _DENSE_ENTRIES:
            raise ValueError(
                f"{self.name}: states² · actions must be at most {_DENSE_ENTRIES:,}, or a table "
                f"does not fit into 64 KiB; got {max_states} and {max_actions}."
            )
        self.space = ParameterSpace(
            {
                "states": Int(low=1, high=max_states, default=max_states, doc="number of states"),
                "actions": Int(
                    low=min(2, max_actions - 1),
                    high=max_actions,
                    default=max_actions,
                    doc="number of different actions",
                ),
                "concentration": Float(
                    low=0.05,
                    high=50.0,
                    default=1.0,
                    log=True,
                    doc="of the Dirichlet of transitions: small ones lead to one state, large ones "
                    "to all alike",
                ),
                "reward_mean": Float(
                    low=-5.0, high=5.0, default=1.0, doc="mean of the mean payments"
                ),
                "reward_spread": Float(
                    low=0.1,
                    high=10.0,
                    default=1.0,
                    log=True,
                    doc="standard deviation of the mean payments",
                ),
                "noise": noise(1.0),
                "horizon": horizon(10),
            }
        )

    def contents(self, params: Columns, seeds: NDArray[np.int64]) -> Contents:
        """Returns tables drawn by the quantile functions of what they follow."""
        S, A = self.max_states, self.max_actions
        luck = uniforms(np.asarray(seeds).astype(np.uint64), S * A * (S + 1))
        where = luck[:, : S * A * S].reshape(-1, S, A, S)
        what = luck[:, S * A * S :].reshape(-1, S, A)
        is_state = np.arange(S) < params["states"][:, None]
        is_action = np.arange(A) < params["actions"][:, None]
        is_pair = is_state[:, :, None] & is_action[:, None, :]
        shares = _dirichlet(where, params["concentration"], is_state)
        rewards = ndtri(what + _HALF) * params["reward_spread"][:, None, None]
        rewards = (rewards + params["reward_mean"][:, None, None]).round(DECIMALS) * is_pair + 0.0
        return {
            "states": params["states"],
            "actions": params["actions"],
            "horizon": params["horizon"],
            "transitions": in_millionths(shares) * is_pair[:, :, :, None],
            "rewards": rewards,
            "noise": params["noise"].astype(np.float64),
        }


def _dirichlet(
    luck: NDArray[np.float64],
    concentration: NDArray[np.float64],
    is_state: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Returns rows of a symmetric Dirichlet over the states that there are, [B, S, A, S].

    Gamma numbers by their quantile function, over their sum; Gamma(1) is −ln(1 − u).

    Args:
        luck: uniform numbers, [B, S, A, S].
        concentration: of each task, [B].
        is_state: which states there are, [B, S].
    """
    sizes = -np.log1p(-luck)
    other = concentration != 1.0
    sizes[other] = gammaincinv(concentration[other, None, None, None], luck[other])
    sizes *= is_state[:, None, None, :]
    totals = sizes.sum(axis=3, keepdims=True)
    if (totals == 0).any():  # all numbers of a row are too small to be written: the largest wins
        tried = np.where(is_state[:, None, None, :], luck, -1.0)
        largest = tried == tried.max(axis=3, keepdims=True)
        sizes = np.where(totals == 0, largest, sizes)
        totals = sizes.sum(axis=3, keepdims=True)
    return np.asarray(sizes / totals)
