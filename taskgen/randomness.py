"""Random numbers that depend on what they are for, never on which slot of a batch asks.

Streams are keyed by 64-bit integers made of (seed, task id, episode); the counter-based mixing is
SplitMix64, so that B streams advance in one array operation and one stream alone gives the same
numbers as the same stream in a batch.

Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators" (SplitMix64).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns SplitMix64's finaliser of each value: a bijection that scatters the bits."""
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    return value ^ (value >> np.uint64(31))


def task_keys(seed: int, task_ids: Sequence[str]) -> NDArray[np.uint64]:
    """Returns one key a task from a seed and the task's id (hexadecimal digits), [B]."""
    base = np.uint64(int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8], "little"))
    ids = np.array([int(task_id[:16], 16) for task_id in task_ids], dtype=np.uint64)
    return mix(ids ^ base)


def fold(keys: NDArray[np.uint64], counter: NDArray[np.int64] | int) -> NDArray[np.uint64]:
    """Returns the keys of sub-streams, e.g. of the episodes of a task, [B]."""
    steps = np.atleast_1d(counter).astype(np.uint64) + np.uint64(1)  # a scalar warns of overflow
    return mix(keys + steps * _GAMMA)


def uniforms(keys: NDArray[np.uint64], num: int) -> NDArray[np.float64]:
    """Returns `num` numbers in [0, 1) from each stream, [B, num]."""
    counters = np.arange(1, num + 1, dtype=np.uint64) * _GAMMA
    return (mix(keys[:, None] + counters) >> np.uint64(11)) * 2.0**-53


def uniform_at(keys: NDArray[np.uint64], counter: NDArray[np.int64] | int) -> NDArray[np.float64]:
    """Returns one number of each stream, the one at its counter: uniforms(keys, …)[:, counter].

    Example:
        >>> keys = np.array([1, 2], dtype=np.uint64)
        >>> bool((uniform_at(keys, 3) == uniforms(keys, 4)[:, 3]).all())
        True
    """
    return (fold(keys, counter) >> np.uint64(11)) * 2.0**-53
