"""What B tasks played between two steps of their adaptation, and the advantages in it.

Rewards become advantages by a baseline of each task's own: a line through few features, fitted to
what the same episodes returned. Nothing of it is learned over tasks, so nothing has to be saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from learners.returns import generalized_advantages

_RIDGE = 1e-5
_CLIP = 10.0


@dataclass(frozen=True)
class Experience:
    """Whole or cut episodes of B tasks, one after another, task first, each [B, N, …].

    Args:
        inputs: rows that the network was fed, [B, N, D].
        actions: as the action head counts them.
        log_probs: of the actions, under the policy that took them.
        advantages: of the actions, standardised for each task by itself.
        episode_start: which steps begin an episode.
        valid: which steps were played, the True ones first.
    """

    inputs: Tensor
    actions: Tensor
    log_probs: Tensor
    advantages: Tensor
    episode_start: Tensor
    valid: Tensor

    def of_tasks(self, tasks: slice) -> Experience:
        """Returns what some of the tasks played."""
        return Experience(**{name: part[tasks] for name, part in vars(self).items()})

    def first_episodes(self, share: float) -> Experience:
        """Returns a share of each task's episodes, the first ones, at least one."""
        number = self.episode_start.cumsum(dim=1)
        most = (number.masked_fill(~self.valid, 0).amax(dim=1) * share).ceil().clamp(min=1)
        kept = self.valid & (number <= most.unsqueeze(1))
        num_steps = int(kept.sum(dim=1).max())
        parts = {name: x[:, :num_steps] for name, x in vars(self).items()}
        return Experience(**{**parts, "valid": kept[:, :num_steps]})


def advantages_of(
    inputs: NDArray[np.floating[Any]],
    rewards: NDArray[np.floating[Any]],
    episode_start: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    *,
    gamma: float,
    lambda_: float,
) -> NDArray[np.float32]:
    """Returns the standardised advantages of B tasks, [B, N].

    Credit stays within the episode, whose end is worth nothing, be it the goal or the horizon.

    Args:
        inputs: what was seen, [B, N, D].
        rewards: raw, [B, N].
        episode_start: which steps begin an episode, [B, N].
        valid: which steps were played, the True ones first, [B, N].
        gamma: discount of one env step, in [0, 1].
        lambda_: weight of later TD errors, in [0, 1].
    """
    episode_over = np.ones(valid.shape, dtype=bool)
    episode_over[:, :-1] = episode_start[:, 1:]

    def advantages(values: NDArray[Any], lambda_: float) -> NDArray[np.float32]:
        rules: Mapping[str, Any] = {"gamma": gamma, "lambda_": lambda_, "across_episodes": False}
        return generalized_advantages(rewards, values, valid, episode_over, **rules)[0]

    returns = advantages(np.zeros(valid.shape), 1.0)
    values = linear_values(baseline_features(inputs, episode_start, valid), returns, valid)
    return standardized(advantages(values, lambda_), valid)


def baseline_features(
    inputs: NDArray[np.floating[Any]], episode_start: NDArray[np.bool_], valid: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Returns [o, o², t, t², t³, 1] at each step, 0 where not valid, [B, N, 2·D + 4].

    o are the inputs within ±10, t is the step of the episode as a share of the task's longest one.

    Source:
        Duan et al. 2016, "Benchmarking deep reinforcement learning for continuous control"
        (arXiv:1604.06778); there t is counted in hundreds of steps.
    """
    index = np.broadcast_to(np.arange(valid.shape[1]), valid.shape)
    started = np.maximum.accumulate(np.where(episode_start, index, 0), axis=1)
    steps = np.where(valid, index - started, 0)
    t = (steps / np.maximum(steps.max(axis=1, keepdims=True), 1))[..., None]
    seen = np.clip(inputs, -_CLIP, _CLIP).astype(np.float64)
    features = np.concatenate([seen, seen**2, t, t**2, t**3, np.ones_like(t)], axis=2)
    features[~valid] = 0.0
    return features


def linear_values(
    features: NDArray[np.float64], targets: NDArray[np.floating[Any]], valid: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Returns the values X_b·w_b of the line that fits each task's targets best, [B, N].

        w_b = (X_bᵀ X_b + 10⁻⁵·1)⁻¹ X_bᵀ y_b

    Args:
        features: X, 0 where not valid, [B, N, F].
        targets: y, [B, N].
        valid: which steps count, [B, N].
    """
    transposed = features.transpose(0, 2, 1)
    gram = transposed @ features + _RIDGE * np.eye(features.shape[2])
    wanted = np.where(valid, targets, 0.0)[..., None]
    values: NDArray[np.float64] = features @ np.linalg.solve(gram, transposed @ wanted)
    return values[..., 0]


def standardized(
    values: NDArray[np.floating[Any]], valid: NDArray[np.bool_], epsilon: float = 1e-8
) -> NDArray[np.float32]:
    """Returns (values − mean) / deviation with the moments of each task, 0 where not valid, [B, N].

    Example:
        >>> standardized(np.array([[1.0, 3.0, 9.0]]), np.array([[True, True, False]]))
        array([[-1.,  1.,  0.]], dtype=float32)
    """
    count = np.maximum(valid.sum(axis=1, keepdims=True), 1)
    mean = np.where(valid, values, 0.0).sum(axis=1, keepdims=True) / count
    centered = np.where(valid, values - mean, 0.0)
    deviation = np.sqrt((centered**2).sum(axis=1, keepdims=True) / count)
    return (centered / (deviation + epsilon)).astype(np.float32)
