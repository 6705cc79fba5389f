"""Beliefs about tabular MDPs: counts of what led where, sums of what was paid, B at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Prior:
    """What is known of the MDPs before they are played.

    Args:
        concentration: of the symmetric Dirichlet of transitions.
        reward_mean: mean of the normal distribution of mean payments.
        reward_precision: 1 / its variance, in units of 1 / the variance of a payment.

    Example:
        >>> Prior()  # that of the published MDPs
        Prior(concentration=1.0, reward_mean=1.0, reward_precision=1.0)
    """

    concentration: float = 1.0
    reward_mean: float = 1.0
    reward_precision: float = 1.0


UNTOLD = Prior(reward_mean=0.0)
"""The prior of the published rows: that of the MDPs, save that payments are 0 on average."""
FREQUENCIES = Prior(concentration=1e-4, reward_mean=0.0, reward_precision=1e-4)
"""Next to no prior: means of what was seen; 0, and all states alike, where nothing was."""


class Beliefs:
    """The posterior of B MDPs: transitions are Dirichlet, mean payments normal.

    The noise of payments is taken to have deviation 1.

    Args:
        prior: of each of them.
        shape: B, S and A.
    """

    def __init__(self, prior: Prior, shape: tuple[int, int, int]) -> None:
        self.prior = prior
        self.counts = np.zeros((*shape, shape[1]))
        self.num_paid = np.zeros(shape)
        self.sums = np.zeros(shape)
        self._all = np.arange(shape[0])

    def learn(
        self,
        states: NDArray[np.int64],
        actions: NDArray[np.int64],
        rewards: NDArray[np.float64],
        after: NDArray[np.int64] | None,
    ) -> None:
        """Takes in one step of each MDP, [B] each; None where nobody sees what it led to."""
        self.num_paid[self._all, states, actions] += 1.0
        self.sums[self._all, states, actions] += rewards
        if after is not None:
            self.counts[self._all, states, actions, after] += 1.0

    @property
    def concentrations(self) -> NDArray[np.float64]:
        """Of the Dirichlet posteriors, [B, S, A, S]."""
        return self.counts + self.prior.concentration

    @property
    def transitions(self) -> NDArray[np.float64]:
        """Their posterior means, [B, S, A, S]."""
        alpha = self.concentrations
        return np.asarray(alpha / alpha.sum(axis=3, keepdims=True))

    @property
    def reward_precisions(self) -> NDArray[np.float64]:
        """The prior's precision + N of each mean payment, [B, S, A]."""
        return self.num_paid + self.prior.reward_precision

    @property
    def rewards(self) -> NDArray[np.float64]:
        """Posterior means of the mean payments, [B, S, A].

        (mean · prior's precision + Σ payments) / precision
        """
        told = self.prior.reward_mean * self.prior.reward_precision + self.sums
        return np.asarray(told / self.reward_precisions)
