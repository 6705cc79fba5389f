"""What all tabular families share: tables as arrays, their optimum, features, forms and edits."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete
from numpy.typing import NDArray

from taskgen.batch import ArrayBatch, TaskBatch
from taskgen.generator import EnvGenerator, Validity
from taskgen.generators.tabular.canonical import forms
from taskgen.generators.tabular.contents import DECIMALS, Contents, MDPs
from taskgen.generators.tabular.engine import TabularEnv, TabularVectorEnv, observation_space
from taskgen.generators.tabular.planning import (
    best_values,
    random_values,
    spectral_gap,
    travel_times,
)
from taskgen.parameter_space import Columns, Row
from taskgen.parameters import Float, Int
from taskgen.task import Task

MAX_ENTRIES = 32_000
"""S · A · S, so that a content of few transitions fits into 64 KiB."""
_NOTHING_TO_GAIN = 1e-6
_NO_GAIN = "no action is better than another where an episode can come to"


def horizon(default: int, high: int = 100) -> Int:
    """Returns the parameter of how long an episode is."""
    return Int(low=1, high=high, default=default, unit="steps", doc="env steps of an episode")


def noise(default: float) -> Float:
    """Returns the parameter of how noisy payments are."""
    return Float(low=0.0, high=5.0, default=default, doc="standard deviation of a payment")


class TabularFamily(EnvGenerator):
    """A family of MDPs that are tables; what is observed is the state, one-hot.

    Args:
        max_states: S of the observation, the most states of a task.
        max_actions: A of the action space, the most actions of a task.

    Raises:
        ValueError: if a table of that size does not fit into a task.
    """

    has_success = False

    def __init__(self, max_states: int, max_actions: int) -> None:
        if max_states < 2 or max_actions < 2 or max_states**2 * max_actions > MAX_ENTRIES:
            raise ValueError(
                f"{self.name}: needs at least 2 states and 2 actions, and states² · actions at "
                f"most {MAX_ENTRIES:,}, got {max_states} and {max_actions}."
            )
        self.max_states, self.max_actions = max_states, max_actions
        self.observation_space = observation_space(max_states)
        self.action_space = Discrete(max_actions)

    @abstractmethod
    def contents(self, params: Columns, seeds: NDArray[np.int64]) -> Contents:
        """Returns the MDPs of B rows and B seeds, padded to S states and A actions."""

    def make_task(self, params: Row, seed: int) -> Task:
        """Returns the task of a row of parameters and a seed."""
        self.space.validate(params)
        return self.make_tasks(self.space.columns([params]), np.array([seed]))[0]

    def make_tasks(self, params: Columns, seeds: NDArray[np.int64]) -> TaskBatch:
        """Returns the tasks of B rows and B seeds, kept as arrays."""
        return TabularBatch(self, params, seeds, self.contents(params, seeds))

    def make_env(self, task: Task) -> TabularEnv:
        """Returns one MDP to act in."""
        return TabularEnv(task, self.max_states, self.max_actions)

    def make_vector_env(self, num_envs: int) -> TabularVectorEnv:
        """Returns `num_envs` MDPs that are acted in by one compiled step."""
        return TabularVectorEnv(num_envs, self.max_states, self.max_actions)

    def horizon(self, task: Task) -> int:
        """Returns the env steps of an episode."""
        return int(task.content["horizon"])

    def canonical(self, task: Task) -> bytes:
        """Returns the MDP whatever its states and actions are called; see `canonical`."""
        return forms(MDPs.of_task(task))[0]

    def oracle_return(self, task: Task) -> float:
        """Returns V(start) of the best policy for the horizon, by dynamic programming."""
        return float(best_values(MDPs.of_task(task))[0, 0])

    def is_valid(self, task: Task) -> Validity:
        """Returns whether acting well earns more than acting at random."""
        return (
            Validity(True) if worth_learning(MDPs.of_task(task))[0] else Validity(False, _NO_GAIN)
        )

    def describe(self, task: Task) -> dict[str, float]:
        """Returns what the MDP is worth, how large it is and how it mixes.

        - `best_return`, `random_return`: expected, of an episode.
        - `diameter`: the largest expected number of steps between two states that an episode can
          come to, on the quickest way (Jaksch et al. 2010); 10⁶ where there is none.
        - `spectral_gap`: 1 − |λ₂| of random play; 0 never forgets where it was.
        - `transition_entropy`: of where an action leads, in nats, mean over states and actions.
        - `reward_spread`: standard deviation of the mean payments.
        - `reachable_states`: how many states an episode can come to.
        """
        mdp = MDPs.of_task(task)
        there = np.flatnonzero(mdp.reachable[0])
        moves = mdp.transitions[0][np.ix_(there, np.flatnonzero(mdp.is_action[0]), there)]
        paid = mdp.rewards[0][there][:, mdp.is_action[0]]
        logs = np.log(np.where(moves > 0, moves, 1.0))
        return {
            "best_return": float(best_values(mdp)[0, 0]),
            "random_return": float(random_values(mdp)[0, 0]),
            "diameter": float(travel_times(moves).max()),
            "spectral_gap": spectral_gap(moves),
            "transition_entropy": float(-(moves * logs).sum(axis=2).mean()),
            "reward_spread": float(paid.std()),
            "reachable_states": float(len(there)),
        }

    def render(self, task: Task) -> NDArray[np.uint8]:
        """Returns a picture of what leads where and what it pays; see `drawing`."""
        from taskgen.generators.tabular.drawing import mdp_picture

        return mdp_picture(task)

    def mutate(self, task: Task, rng: np.random.Generator) -> Task:
        """Returns the MDP with one payment, one transition or two names of actions changed.

        `nudge_reward` moves one mean payment by a normal step of 0.3 times their spread,
        `redirect` moves a random share of where an action leads to another state,
        `swap_actions` has two actions change places in one state.
        """
        edits = (_nudge_reward, _redirect, _swap_actions)
        edit = edits[int(rng.integers(len(edits)))]
        content = {**task.content}
        edit(content, rng)
        return task.edited(content, edit.__name__.removeprefix("_"))


class TabularBatch(ArrayBatch):
    """B tasks of a `TabularFamily` as arrays."""

    @property
    def canonicals(self) -> list[bytes]:
        """What makes two tasks the same for splits and duplicates, [B]."""
        return forms(MDPs.of(self.contents))

    @property
    def validity(self) -> NDArray[np.bool_]:
        """Which tasks are valid, [B]."""
        return worth_learning(MDPs.of(self.contents))


def worth_learning(mdps: MDPs) -> NDArray[np.bool_]:
    """Returns in which MDPs acting well earns more than acting at random, [B]."""
    gain = best_values(mdps)[:, 0] - random_values(mdps)[:, 0]
    return np.asarray(gain > _NOTHING_TO_GAIN)


def _pair(content: dict[str, Any], rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(content["states"])), int(rng.integers(content["actions"]))


def _nudge_reward(content: dict[str, Any], rng: np.random.Generator) -> None:
    rewards = np.array(content["rewards"])
    state, action = _pair(content, rng)
    spread = rewards[: content["states"], : content["actions"]].std()
    rewards[state, action] += rng.normal(0.0, 0.3 * max(float(spread), 0.1))
    content["rewards"] = rewards.round(DECIMALS).tolist()


def _redirect(content: dict[str, Any], rng: np.random.Generator) -> None:
    moves = np.array(content["transitions"])
    row = moves[_pair(content, rng)]
    origin = int(rng.choice(np.flatnonzero(row)))
    others = np.delete(np.arange(content["states"]), origin)
    there = int(rng.choice(others)) if len(others) else origin
    share = int(np.ceil(row[origin] * rng.random()))
    row[origin] -= share
    row[there] += share
    content["transitions"] = moves.tolist()


def _swap_actions(content: dict[str, Any], rng: np.random.Generator) -> None:
    state = int(rng.integers(content["states"]))
    pair = rng.permutation(content["actions"])[:2]
    for key in ("transitions", "rewards"):
        table = np.array(content[key])
        table[state, pair] = table[state, pair[::-1]]
        content[key] = table.tolist()
