"""What a known MDP is worth and how far apart its states are, B at a time.

Returns are of one episode, undiscounted, by dynamic programming over its horizon.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taskgen.generators.tabular.contents import MDPs

NEVER = 1e6
"""Expected steps that stand for never, in distances between states."""
_MAX_ROUNDS = 100
_BETTER = 1e-9


def action_values(mdps: MDPs, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns r(s, a) + Σ P(s' | s, a) · V(s'), −∞ for actions that are padding, [B, S, A].

    Args:
        mdps: B of them.
        values: V of the states that follow, [B, S].
    """
    B, S, A = mdps.rewards.shape
    ahead = np.matmul(mdps.transitions.reshape(B, S * A, S), values[:, :, None])
    totals = mdps.rewards + ahead.reshape(B, S, A)
    return np.where(mdps.is_action[:, None, :], totals, -np.inf)


def best_values(mdps: MDPs) -> NDArray[np.float64]:
    """Returns the best expected return of an episode from each state, [B, S].

    V₀ = 0,  Vₖ(s) = maxₐ r(s, a) + Σ P(s' | s, a) · Vₖ₋₁(s'),  k up to the horizon.
    """
    values = np.zeros(mdps.rewards.shape[:2])
    for left in range(1, int(mdps.horizons.max()) + 1):
        better = action_values(mdps, values).max(axis=2)
        values = np.where(left <= mdps.horizons[:, None], better, values)
    return values


def random_values(mdps: MDPs) -> NDArray[np.float64]:
    """Returns the expected return of an episode of random actions from each state, [B, S]."""
    weights = (mdps.is_action / mdps.num_actions[:, None])[:, None, :]
    values = np.zeros(mdps.rewards.shape[:2])
    for left in range(1, int(mdps.horizons.max()) + 1):
        totals = np.where(weights > 0, action_values(mdps, values), 0.0)
        values = np.where(left <= mdps.horizons[:, None], (totals * weights).sum(axis=2), values)
    return values


def first_actions(mdps: MDPs) -> NDArray[np.int64]:
    """Returns the best action of each state with a whole episode ahead, [B, S]."""
    longer = MDPs(**{**vars_of(mdps), "horizons": np.maximum(mdps.horizons - 1, 0)})
    return action_values(mdps, best_values(longer)).argmax(axis=2)


def vars_of(mdps: MDPs) -> dict[str, NDArray[np.generic]]:
    """Returns the arrays of MDPs by name."""
    return {name: getattr(mdps, name) for name in MDPs.__dataclass_fields__}


def travel_times(transitions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the expected steps from each state to each other on the quickest way, [S, S].

        h(s, g) = 1 + γ · minₐ Σ P(s' | s, a) · h(s', g),  h(g, g) = 0,  γ = 1 − 10⁻⁶,

    by policy iteration for all g at once; the discount makes "never" the number `NEVER`.

    Args:
        transitions: of one MDP without padding, [S, A, S].
    """
    S = len(transitions)
    states, goals = np.arange(S), np.arange(S)[:, None]
    choice = np.zeros((S, S), dtype=np.int64)  # by goal and state
    times = np.full((S, S), np.inf)
    for _ in range(_MAX_ROUNDS):
        moves = transitions[states, choice]
        moves[goals, goals] = 0.0  # a goal leads nowhere
        system = np.eye(S) - (1.0 - 1.0 / NEVER) * moves
        found = np.linalg.solve(system, np.where(states == goals, 0.0, 1.0)[:, :, None])[:, :, 0]
        if not (found < times - _BETTER * np.maximum(found, 1.0)).any():
            break
        times = found
        choice = np.einsum("sat,gt->gsa", transitions, times).argmin(axis=2)
    return times.T


def spectral_gap(transitions: NDArray[np.float64]) -> float:
    """Returns 1 − |λ₂| of random play, in [0, 1]: how quickly it forgets where it was.

    Args:
        transitions: of one MDP without padding, [S, A, S].
    """
    sizes = np.sort(np.abs(np.linalg.eigvals(transitions.mean(axis=1))))
    second = float(sizes[-2]) if len(sizes) > 1 else 0.0
    return float(np.clip(1.0 - second, 0.0, 1.0))
