"""Plans for tabular MDPs, compiled: what actions promise at each step of an episode, B at once.

All are backward inductions over the horizon H that write Q(s, a) of each step into `promises`,
[B, H, S, A]: of one table, of tables drawn from a belief, of the best table within reach.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def plan(transitions, rewards, bonuses, promises):  # type: ignore[no-untyped-def]
    """Plans for known tables, with a bonus for each step that is left after an action.

        Q(s, a) = r(s, a) + left · bonus(s, a) + Σ P(s' | s, a) · max Q(s', ·)

    Args:
        transitions: [B, S, A, S].
        rewards: [B, S, A].
        bonuses: [B, S, A].
        promises: what is written, [B, H, S, A].
    """
    B, H, S, A = promises.shape
    for b in range(B):
        values, new = np.zeros(S), np.zeros(S)
        for left in range(H):
            for s in range(S):
                new[s] = -np.inf
                for a in range(A):
                    total = rewards[b, s, a] + left * bonuses[b, s, a]
                    for t in range(S):
                        total += transitions[b, s, a, t] * values[t]
                    promises[b, H - 1 - left, s, a] = total
                    new[s] = max(new[s], total)
            values, new = new, values


@numba.njit(cache=True)
def plan_by_samples(rng, concentrations, means, spreads, num_samples, promises):  # type: ignore[no-untyped-def]
    """Plans for tables drawn from a belief; of several, what any of them promises counts.

    Args:
        rng: a numpy Generator.
        concentrations: of Dirichlet transitions, [B, S, A, S].
        means: of normal mean payments, [B, S, A].
        spreads: their standard deviations, [B, S, A].
        num_samples: tables that are drawn for each MDP.
        promises: what is written, [B, H, S, A].
    """
    B, H, S, A = promises.shape
    moves, paid = np.zeros((1, S, A, S)), np.zeros((1, S, A))
    drawn, nothing = np.zeros((1, H, S, A)), np.zeros((1, S, A))
    for b in range(B):
        promises[b] = -np.inf
        for _ in range(num_samples):
            for s in range(S):
                for a in range(A):
                    paid[0, s, a] = means[b, s, a] + spreads[b, s, a] * rng.standard_normal()
                    for t in range(S):
                        moves[0, s, a, t] = rng.standard_gamma(concentrations[b, s, a, t])
                    moves[0, s, a] /= moves[0, s, a].sum()
            plan(moves, paid, nothing, drawn)
            promises[b] = np.maximum(promises[b], drawn[0])


@numba.njit(cache=True)
def hopeful(chances, radius, order):  # type: ignore[no-untyped-def]
    """Returns the best probabilities within an L1 distance of others, [S].

    Half of the radius more goes to the best state, and as much is taken from the worst ones.

    Args:
        chances: [S].
        radius: of the L1 ball.
        order: states by what they are worth, the worst first, [S].
    """
    moved = chances.copy()
    best = order[-1]
    moved[best] = min(1.0, chances[best] + 0.5 * radius)
    extra = moved.sum() - 1.0
    for state in order[:-1]:
        if extra <= 0.0:
            break
        taken = min(extra, moved[state])
        moved[state] -= taken
        extra -= taken
    return moved


@numba.njit(cache=True)
def plan_hopefully(transitions, rewards, radii, keeps, promises):  # type: ignore[no-untyped-def]
    """Plans for the best tables within reach of others: extended value iteration.

    Where hope is kept, what a step hoped for is the middle of what the step before it thinks
    possible, save where all hope is on one state.

    Args:
        transitions: the middle of what is thought possible, [B, S, A, S].
        rewards: the most that is, [B, S, A].
        radii: L1 distances of what is, [B, S, A].
        keeps: whether hope is kept.
        promises: what is written, [B, H, S, A].
    """
    B, H, S, A = promises.shape
    for b in range(B):
        values, new = np.zeros(S), np.zeros(S)
        middle = transitions[b].copy()
        for left in range(H):
            order = np.argsort(values)
            for s in range(S):
                new[s] = -np.inf
                for a in range(A):
                    moved = hopeful(middle[s, a], radii[b, s, a], order)
                    if keeps and middle[s, a, order[-1]] + 0.5 * radii[b, s, a] <= 1.0:
                        middle[s, a] = moved
                    total = rewards[b, s, a]
                    for t in range(S):
                        total += moved[t] * values[t]
                    promises[b, H - 1 - left, s, a] = total
                    new[s] = max(new[s], total)
            values, new = new, values
