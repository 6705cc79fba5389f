"""Returns and advantages over whole lifetimes; pure functions of arrays.

Credit flows across the ends of episodes inside a lifetime: what is tried in the first episode pays
in the later ones, and that is what an agent that learns to learn is trained for. It is cut at the
end of the lifetime alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


def generalized_advantages(
    rewards: Floats,
    values: Floats,
    valid: Bools,
    episode_over: Bools,
    *,
    gamma: float,
    lambda_: float,
    across_episodes: bool = True,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns advantages and TD errors of B lifetimes.

    δₜ = rₜ + γ·cₜ·V(t+1) − V(t) and Aₜ = δₜ + γ·λ·cₜ·Aₜ₊₁, where cₜ is 1 while the lifetime goes
    on and 0 at its last step: the end of a lifetime is terminal, also when a bound in steps cut it,
    because the share of it that remains is an input of the policy.

    Args:
        rewards: of each step, in the units of the values, [B, H].
        values: the critic's V before each step, [B, H].
        valid: which steps were played, the True ones first, [B, H]; the others come out as 0.
        episode_over: which steps ended an episode, [B, H].
        gamma: discount of one env step, in [0, 1].
        lambda_: weight of later TD errors, in [0, 1].
        across_episodes: False cuts credit at the ends of episodes as well.

    Source:
        Schulman et al. 2016, "High-dimensional continuous control using generalized advantage
        estimation" (arXiv:1506.02438); Duan et al. 2016, "RL²" (arXiv:1611.02779) for the
        lifetime as the unit of credit.

    Example:
        >>> ones = np.ones((1, 2)); played = ones.astype(bool); over = np.array([[True, True]])
        >>> generalized_advantages(ones, 0 * ones, played, over, gamma=0.5, lambda_=1.0)[0]
        array([[1.5, 1. ]], dtype=float32)
    """
    goes_on = np.zeros(valid.shape, dtype=bool)
    goes_on[:, :-1] = valid[:, 1:]
    if not across_episodes:
        goes_on &= ~episode_over
    discounts = gamma * goes_on
    next_values = np.zeros(values.shape)
    next_values[:, :-1] = np.where(goes_on[:, :-1], values[:, 1:], 0.0)
    td_errors = np.where(valid, rewards + discounts * next_values - values, 0.0)
    advantages = backward_sums(td_errors, lambda_ * discounts)
    return advantages.astype(np.float32), td_errors.astype(np.float32)


def first_returns(
    rewards: Floats,
    valid: Bools,
    episode_over: Bools,
    *,
    gamma: float,
    across_episodes: bool = True,
) -> NDArray[np.float64]:
    """Returns what each lifetime earned from its first step on, Σₜ γᵗ·rₜ, [B].

    That is what the critic foretells there: with `across_episodes` off, of the first episode alone.

    Args:
        rewards: of each step, in the units of the values, [B, H].
        valid: which steps were played, [B, H].
        episode_over: which steps ended an episode, [B, H].
        gamma: discount of one env step, in [0, 1].
        across_episodes: as in `generalized_advantages`.

    Example:
        >>> over = np.array([[False, True, True]])
        >>> first_returns(np.ones((1, 3)), np.ones((1, 3), bool), over, gamma=0.5)
        array([1.75])
        >>> first_returns(np.ones((1, 3)), over | True, over, gamma=0.5, across_episodes=False)
        array([1.5])
    """
    counts = valid
    if not across_episodes:
        counts = valid & (np.cumsum(episode_over, axis=1) - episode_over == 0)
    discounts = gamma ** np.arange(rewards.shape[1])
    return (np.where(counts, rewards, 0.0) * discounts).sum(axis=1, dtype=np.float64)


def backward_sums(terms: Floats, weights: Floats) -> NDArray[np.float64]:
    """Returns Sₜ = termₜ + weightₜ·Sₜ₊₁ along the last axis, [B, H]."""
    sums = np.zeros(terms.shape)
    later = np.zeros(len(terms))
    for t in reversed(range(terms.shape[1])):
        later = terms[:, t] + weights[:, t] * later
        sums[:, t] = later
    return sums


def discounted_sums_so_far(rewards: Floats, gamma: float) -> NDArray[np.float64]:
    """Returns Rₜ = rₜ + γ·Rₜ₋₁ along the last axis, [B, H]: what a lifetime has gathered so far."""
    flipped = np.asarray(rewards, dtype=np.float64)[:, ::-1]
    return backward_sums(flipped, np.full(flipped.shape, gamma))[:, ::-1]
