"""Running scales of rewards and observations; they are part of what a learner saves.

For the loss, rewards are scaled by the deviation of the return. The network sees them raw, because
their size is what it has to learn about a task; where they are typically larger than 1, which
would saturate its memory, the rewards of all tasks are divided by one number. Observations of
float spaces are standardised. Only meta-training moves these scales; whoever evaluates finds them
frozen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from learners.returns import discounted_sums_so_far


class RunningMoments:
    """Mean and variance of a stream of vectors, batch by batch.

    Args:
        shape: of one vector; () for numbers.

    Source:
        Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", the pairwise
        update of Welford's sums.

    Example:
        >>> moments = RunningMoments(())
        >>> moments.update(np.array([1.0, 2.0])); moments.update(np.array([3.0, 6.0]))
        >>> float(moments.mean), float(moments.variance)
        (3.0, 3.5)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count = 0
        self.mean = np.zeros(shape)
        self._squares = np.zeros(shape)

    @property
    def variance(self) -> NDArray[np.float64]:
        """Of what was seen; 1 before anything was."""
        if self.count == 0:
            return np.ones_like(self.mean)
        return self._squares / self.count

    def update(self, values: NDArray[Any]) -> None:
        """Takes in N vectors, [N, …]."""
        if len(values) == 0:
            return
        mean = values.mean(axis=0, dtype=np.float64)
        squares = np.square(values - mean).sum(axis=0, dtype=np.float64)
        self._combine(len(values), mean, squares)

    def pool(self, branches: Sequence[RunningMoments]) -> None:
        """Takes in what each branch saw since it was a copy of this one.

        That is the branch's moments with these subtracted, the pairwise update backwards.
        """
        count, mean, squares = self.count, self.mean, self._squares
        for branch in branches:
            num_new = branch.count - count
            if num_new == 0:
                continue
            new_mean = mean + (branch.mean - mean) * (branch.count / num_new)
            shift = (new_mean - mean) ** 2 * (count * num_new / branch.count)
            new_squares = np.maximum(branch._squares - squares - shift, 0.0)
            self._combine(num_new, new_mean, new_squares)

    def _combine(self, num: int, mean: NDArray[np.float64], squares: NDArray[np.float64]) -> None:
        total = self.count + num
        delta = mean - self.mean
        self._squares = self._squares + squares + delta**2 * (self.count * num / total)
        self.mean = self.mean + delta * (num / total)
        self.count = total

    def state_dict(self) -> dict[str, Any]:
        """Returns the count and the sums."""
        return {
            "count": self.count,
            "mean": torch.tensor(self.mean),
            "squares": torch.tensor(self._squares),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes count and sums back."""
        self.count = int(state_dict["count"])
        self.mean = state_dict["mean"].numpy().copy()
        self._squares = state_dict["squares"].numpy().copy()


def pooled_moments(
    parent: Mapping[str, Any], branches: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Returns the moments of all that a parent saw and each of its branches saw since.

    Every vector counts once, n = n₀ + Σ (nᵢ − n₀), however the branches are weighted otherwise.

    Args:
        parent: state of the moments that the branches started from.
        branches: states of theirs.
    """
    moments = [RunningMoments(tuple(parent["mean"].shape)) for _ in range(len(branches) + 1)]
    for each, state in zip(moments, [parent, *branches], strict=True):
        each.load_state_dict(state)
    moments[0].pool(moments[1:])
    return moments[0].state_dict()


class RewardScaler:
    """Scales rewards by what meta-training saw: one way for the loss, another for the network.

    Args:
        gamma: discount of one env step.
        clip: the largest size of a reward scaled for the loss.
        enabled: False: rewards pass as they are, and nothing is recorded.

    Source:
        The normaliser of VariBAD (Zintgraf et al. 2020, arXiv:1910.08348), which feeds the memory
        raw rewards; here the return so far runs over the whole lifetime, not over the episode,
        and large rewards are fed in units of their running root mean square.
    """

    def __init__(self, gamma: float, clip: float = 10.0, *, enabled: bool = True) -> None:
        self._gamma = gamma
        self._clip = clip
        self._enabled = enabled
        self._moments = RunningMoments(())
        self._squares = RunningMoments(())

    def update(self, rewards: NDArray[np.floating], valid: NDArray[np.bool_]) -> None:
        """Takes in the rewards of B lifetimes, [B, H]."""
        if self._enabled:
            self._moments.update(discounted_sums_so_far(rewards, self._gamma)[valid])
            self._squares.update(np.square(rewards[valid]))

    @property
    def input_unit(self) -> float:
        """What the network's rewards are divided by: max(1, √(mean r²)); 1 before any was seen."""
        return max(1.0, float(np.sqrt(self._squares.mean)))

    def scale(self, rewards: NDArray[np.floating]) -> NDArray[np.float32]:
        """Returns r / deviation of the discounted return so far, within ± clip: for the loss."""
        if not self._enabled:
            return rewards.astype(np.float32)
        deviation = np.sqrt(self._moments.variance + 1e-8)
        return np.clip(rewards / deviation, -self._clip, self._clip).astype(np.float32)

    def state_dict(self) -> dict[str, Any]:
        """Returns the moments of returns and squares."""
        return {"returns": self._moments.state_dict(), "squares": self._squares.state_dict()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes the moments back."""
        self._moments.load_state_dict(state_dict["returns"])
        self._squares.load_state_dict(state_dict["squares"])

    def pooled_state(
        self, parent: Mapping[str, Any], branches: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Returns the moments of what parent and branches saw, each vector once."""
        return {
            name: pooled_moments(moments, [branch[name] for branch in branches])
            for name, moments in parent.items()
        }


class ObservationNormalizer:
    """Standardises float observations by moments of what meta-training saw.

    A feature that never varied is 0 whatever it is: nothing was learned about it, and in units of
    a deviation that small its first change would be as large as `clip` allows.

    Args:
        num_features: O, after flattening.
        clip: the largest size of a standardised feature.
    """

    def __init__(self, num_features: int, clip: float = 10.0) -> None:
        self._clip = clip
        self._moments = RunningMoments((num_features,))
        self._refresh()

    def update(self, features: NDArray[np.floating]) -> None:
        """Takes in raw features, [N, O]; later calls of `apply` use the new moments."""
        self._moments.update(features)
        self._refresh()

    def apply(self, features: NDArray[np.float32]) -> None:
        """Standardises features in place, [B, O]."""
        np.subtract(features, self._mean, out=features)
        np.multiply(features, self._inverse_deviation, out=features)
        np.clip(features, -self._clip, self._clip, out=features)

    def state_dict(self) -> dict[str, Any]:
        """Returns the moments."""
        return self._moments.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes the moments back."""
        self._moments.load_state_dict(state_dict)
        self._refresh()

    def pooled_state(
        self, parent: Mapping[str, Any], branches: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Returns the moments of what parent and branches saw, each vector once."""
        return pooled_moments(parent, branches)

    def _refresh(self) -> None:
        self._mean = self._moments.mean.astype(np.float32)
        variance = self._moments.variance
        varied = variance > 1e-12 * (1.0 + np.square(self._moments.mean))
        inverse = np.where(varied, 1.0 / np.sqrt(variance + 1e-8), 0.0)
        self._inverse_deviation = inverse.astype(np.float32)
