"""Tabular MDPs as numbers: how a task writes one down, and B of them as arrays.

A task's content has `states`, `actions` and `horizon`; `transitions`, what leads where, in
millionths, so that a row sums to exactly one; `rewards`, the mean of what an action pays in a
state; and `noise`, the standard deviation of a normal number that every payment adds. An episode
starts in state 0. Arrays are padded with zeros to the shape that a generator declares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import ArrayBatch
from taskgen.task import Task

MILLION = 1_000_000
DECIMALS = 6
"""Of rewards."""
Contents: TypeAlias = Mapping[str, NDArray[Any]]
"""By key of the content, an array [B, …]."""
KEYS = ("states", "actions", "horizon", "transitions", "rewards", "noise")


def in_millionths(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns probabilities as whole numbers that sum to a million, […, S].

    Each partial sum is rounded, so that no number is off by more than one.

    Example:
        >>> in_millionths(np.array([1 / 3, 1 / 3, 1 / 3])).tolist()
        [333333, 333334, 333333]
    """
    sums = np.rint(np.cumsum(shares, axis=-1) * MILLION).astype(np.int64)
    return np.diff(sums, axis=-1, prepend=0)


def contents_of(tasks: Sequence[Task]) -> Contents:
    """Returns the contents of B tasks of one generator as arrays."""
    if isinstance(tasks, ArrayBatch):
        return tasks.contents
    return {key: np.array([task.content[key] for task in tasks]) for key in KEYS}


@dataclass(frozen=True)
class MDPs:
    """B tabular MDPs whose numbers are known.

    Args:
        transitions: P(s' | s, a), [B, S, A, S].
        rewards: mean payments r(s, a), [B, S, A].
        noise: standard deviation of a payment, [B].
        horizons: env steps of an episode, [B].
        num_states: how many of the S there are, [B].
        num_actions: how many of the A there are, [B].
    """

    transitions: NDArray[np.float64]
    rewards: NDArray[np.float64]
    noise: NDArray[np.float64]
    horizons: NDArray[np.int64]
    num_states: NDArray[np.int64]
    num_actions: NDArray[np.int64]

    @classmethod
    def of(cls, contents: Contents) -> MDPs:
        """Returns the MDPs that contents write down."""
        return cls(
            transitions=np.asarray(contents["transitions"]) / MILLION,
            rewards=np.asarray(contents["rewards"], dtype=np.float64),
            noise=np.asarray(contents["noise"], dtype=np.float64),
            horizons=np.asarray(contents["horizon"]),
            num_states=np.asarray(contents["states"]),
            num_actions=np.asarray(contents["actions"]),
        )

    @classmethod
    def of_task(cls, task: Task) -> MDPs:
        """Returns one task's MDP, B = 1."""
        return cls.of(contents_of([task]))

    def __len__(self) -> int:
        return len(self.transitions)

    @cached_property
    def is_action(self) -> NDArray[np.bool_]:
        """Which of the A actions are no padding, [B, A]."""
        return np.arange(self.rewards.shape[2]) < self.num_actions[:, None]

    @cached_property
    def reachable(self) -> NDArray[np.bool_]:
        """Which states an episode can come to if it lasts, [B, S]."""
        leads = (self.transitions > 0).any(axis=2)
        seen = np.zeros(leads.shape[:2], dtype=bool)
        seen[:, 0] = True
        for _ in range(seen.shape[1]):
            seen |= (seen[:, :, None] & leads).any(axis=1)
        return seen
