"""Which of the tasks in a buffer are played again: probabilities, as pure functions of arrays.

Scores and staleness of N tasks become probabilities, [N], each a published rule. All of them sum
to one, whatever the scores: where a rule leaves nothing over (all scores 0), it is uniform.
`Priorities` holds the settings of a rule and mixes it with staleness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Probs = NDArray[np.float64]
Slots = NDArray[np.int64]


def rank_probs(scores: Probs, temperature: float, order: Slots | None = None) -> Probs:
    """Returns pᵢ ∝ (1 / rankᵢ)^(1 / temperature), [N]; rank 1 has the highest score.

    Equal scores share what their ranks come to, so that no order of arrival counts.

    Args:
        scores: finite, of either sign, [N].
        temperature: above 0; the lower, the more the first ranks have.
        order: the indices from the highest score to the lowest, [N], where they are known.

    Source:
        Jiang et al. 2021, "Prioritized level replay" (arXiv 2010.03934). There ties are broken by
        position.

    Example:
        >>> rank_probs(np.array([0.1, 0.9, 0.5]), temperature=1.0) * 11
        array([2., 6., 3.])
    """
    if order is None:
        order = np.argsort(-scores, kind="stable")
    probs = np.empty(len(scores))
    probs[order] = _shared(_rank_weights(len(scores), temperature), scores[order])
    return _normalised(probs)


def proportional_probs(scores: Probs, temperature: float) -> Probs:
    """Returns pᵢ ∝ max(scoreᵢ, 0)^(1 / temperature), [N]; uniform where no score is above 0.

    Source:
        As `rank_probs`. It needs scores that cannot be negative: those below 0 count as 0.

    Example:
        >>> proportional_probs(np.array([1.0, 2.0, -3.0]), temperature=0.5)
        array([0.2, 0.8, 0. ])
    """
    positive = np.maximum(scores, 0.0)
    highest = positive.max(initial=0.0)
    if temperature != 1.0 and highest > 0.0:
        # Divided by the highest first, so that no power overflows and the highest never vanishes.
        positive = (positive / highest) ** (1.0 / temperature)
    return _normalised(positive)


def top_k_probs(scores: Probs, temperature: float, k: int) -> Probs:
    """Returns pᵢ ∝ exp(scoreᵢ / temperature) on the k highest scores, 0 elsewhere, [N].

    Those that are as high as the k-th are in, too.

    Source:
        Coward et al. 2024, "JaxUED" (arXiv 2403.13091), its "topk" prioritisation. There ties are
        broken by position.

    Example:
        >>> top_k_probs(np.array([0.0, np.log(3.0), -1.0]), temperature=1.0, k=2)
        array([0.25, 0.75, 0.  ])
    """
    num = len(scores)
    lowest = np.partition(scores, num - k)[num - k] if k < num else -np.inf
    highest = scores.max(initial=-np.inf)
    weights = np.exp((np.maximum(scores, lowest) - highest) / temperature)
    return _normalised(np.where(scores >= lowest, weights, 0.0))


def stale_probs(staleness: NDArray[np.int64], temperature: float) -> Probs:
    """Returns pᵢ ∝ stalenessᵢ^(1 / temperature), [N]; uniform where nothing is stale.

    Args:
        staleness: batches since a task was last played, from 0, [N].
        temperature: above 0; 1 is proportional to staleness.

    Example:
        >>> stale_probs(np.array([3, 1, 0]), temperature=1.0)
        array([0.75, 0.25, 0.  ])
    """
    return proportional_probs(staleness.astype(np.float64), temperature)


@dataclass(frozen=True)
class Priorities:
    """A rule for scores, mixed with staleness: P = (1 − ρ) · P_score + ρ · P_stale.

    Args:
        rule: "rank", "proportional" or "top_k".
        temperature: of the rule.
        top_k: how many "top_k" keeps.
        staleness_coef: ρ, in [0, 1].
        staleness_temperature: of staleness.
    """

    rule: str
    temperature: float
    top_k: int
    staleness_coef: float
    staleness_temperature: float

    def probs(
        self, scores: Probs, staleness: NDArray[np.int64], order: Callable[[], Slots] | None = None
    ) -> Probs:
        """Returns the probabilities of N tasks, [N].

        Args:
            scores: finite, [N].
            staleness: batches since each was last played, [N].
            order: tells the indices from the highest score down, if it comes to that.
        """
        by_score = _RULES[self.rule](self, scores, order)
        if self.staleness_coef == 0.0:
            return by_score
        by_staleness = stale_probs(staleness, self.staleness_temperature)
        return (1.0 - self.staleness_coef) * by_score + self.staleness_coef * by_staleness


_Rule = Callable[[Priorities, Probs, Callable[[], Slots] | None], Probs]
_RULES: Mapping[str, _Rule] = {
    "rank": lambda p, scores, order: rank_probs(scores, p.temperature, order() if order else None),
    "proportional": lambda p, scores, _: proportional_probs(scores, p.temperature),
    "top_k": lambda p, scores, _: top_k_probs(scores, p.temperature, p.top_k),
}


def draw_distinct(probs: Probs, n: int, rng: np.random.Generator) -> Slots:
    """Returns n different indices, drawn one after the other from what is left, [n].

    The one with the least exponential variate over its probability comes first: that is how
    drawing in turn and putting nothing back is distributed, without a loop. Where fewer than n
    have a probability above 0, others follow.

    Source:
        Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir".
    """
    n = min(n, len(probs))
    waits = rng.standard_exponential(len(probs))
    with np.errstate(divide="ignore"):
        waits /= probs
    first = np.argpartition(waits, n - 1)[:n] if 0 < n < len(probs) else np.arange(len(probs))[:n]
    return first[np.argsort(waits[first], kind="stable")]


def draw_repeated(probs: Probs, n: int, rng: np.random.Generator) -> Slots:
    """Returns n indices, each drawn from all of them, [n]."""
    edges = np.cumsum(probs)
    found = np.searchsorted(edges, rng.random(n) * edges[-1], side="right")
    return np.minimum(found, len(probs) - 1)


@lru_cache(maxsize=8)
def _powers(num: int, temperature: float) -> Probs:
    powers = np.arange(1, num + 1, dtype=np.float64) ** (-1.0 / temperature)
    powers.flags.writeable = False
    return powers


def _rank_weights(num: int, temperature: float) -> Probs:
    """Returns (1 / rank)^(1 / temperature) of the ranks 1 to num; powers are dear, and kept."""
    return _powers(1 << max(num - 1, 0).bit_length(), temperature)[:num]


def _shared(weights: Probs, ordered: Probs) -> Probs:
    """Returns the weights, averaged over each run of equal values, [N]."""
    is_tied = ordered[1:] == ordered[:-1]
    if not is_tied.any():
        return weights
    steps = np.diff(np.concatenate([[0], is_tied.view(np.int8), [0]]))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) + 1
    bounds = np.stack([starts, ends], axis=1).ravel()
    sums = np.add.reduceat(np.append(weights, 0.0), bounds)[::2]
    lengths = ends - starts
    tied = np.concatenate([[False], is_tied]) | np.concatenate([is_tied, [False]])
    shared = weights.copy()
    shared[tied] = np.repeat(sums / lengths, lengths)
    return shared


def _normalised(weights: Probs) -> Probs:
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(weights), 1.0 / max(len(weights), 1))
