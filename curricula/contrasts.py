"""Arms held against each other: scores of several seeds on the same tasks, [S, B].

Pure. A row is one training (a seed), a column one task that all of them played; NaN is a task that
was not played to its end. Scores in a row share a learner, so noise of training moves a whole row:
the intervals here draw rows and columns, never single cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from curricula.statistics import NUM_RESAMPLES, Estimate, cvar

Statistic: TypeAlias = Callable[[NDArray[np.float64]], float]
_NOTHING = Estimate(math.nan, math.nan, math.nan)


def task_scores(returns: ArrayLike, random: ArrayLike, oracle: ArrayLike) -> NDArray[np.float64]:
    """Returns the normalised score of every task, [..., B].

        scoreᵢ = 1 − (R_oracle,i − Rᵢ) / mean(R_oracle − R_random)

    1 is the oracle's on every task, 0 what random play reaches on average. The mean over tasks is
    the ratio of means (`statistics.normalised_score`); the room of a single task, which may be
    next to nothing, divides nothing. All NaN where the oracle is not better than random on average.

    Args:
        returns: of learners, [..., B].
        random: of random play on the same tasks, [B].
        oracle: of the oracle on the same tasks, [B].

    Example:
        >>> task_scores([[1.0, 3.0]], random=[0.0, 0.0], oracle=[1.0, 3.0]).tolist()
        [[1.0, 1.0]]
        >>> task_scores([[0.0, 3.0]], random=[0.0, 0.0], oracle=[1.0, 3.0]).tolist()
        [[0.5, 1.0]]
    """
    mine = np.asarray(returns, dtype=np.float64)
    best = np.asarray(oracle, dtype=np.float64)
    each = best - np.asarray(random, dtype=np.float64)
    known = each[~np.isnan(each)]
    room = float(known.mean()) if len(known) else math.nan
    if not room > 0:
        return np.full(mine.shape, math.nan)
    return np.asarray(1.0 - (best - mine) / room)


def mean_of(table: NDArray[np.float64]) -> float:
    """Returns the mean of all cells that are there, NaN if none is."""
    present = table[~np.isnan(table)]
    return float(present.mean()) if len(present) else math.nan


def mean_cvar(table: NDArray[np.float64]) -> float:
    """Returns the mean over rows of each row's worst tenth.

    Example:
        >>> mean_cvar(np.array([[0.0, 1.0], [0.5, 1.0]]))
        0.25
    """
    return mean_of(np.array([cvar(row) for row in table], dtype=np.float64))


def crossed_interval(
    table: ArrayLike,
    statistic: Statistic,
    rng: np.random.Generator,
    num_resamples: int = NUM_RESAMPLES,
    level: float = 0.95,
) -> Estimate:
    """Returns a statistic with its percentile bootstrap interval over seeds and tasks.

    A resample draws S rows and, apart from that, B columns, both with replacement. With one row it
    tells of the tasks alone.

    Args:
        table: [S, B], or [S] of numbers that seeds have one of.
        statistic: of such a table.
        rng: of the resamples.
        num_resamples: how many.
        level: share of the resamples within the interval.

    Source:
        Owen 2007, "The pigeonhole bootstrap" (arXiv 0712.1111). Agarwal et al. 2021 (arXiv
        2108.13264) draw runs anew for every task, which suits trainings of one task each; where a
        learner plays all tasks it leaves the noise of training all but out.
    """
    values = np.asarray(table, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if np.isnan(values).all():
        return _NOTHING
    num_rows, num_columns = values.shape
    rows = rng.integers(num_rows, size=(num_resamples, num_rows))
    columns = rng.integers(num_columns, size=(num_resamples, num_columns))
    drawn = [statistic(values[r[:, None], c[None, :]]) for r, c in zip(rows, columns, strict=True)]
    return _estimate(statistic(values), np.array(drawn), level)


def probability_of_improvement(scores: ArrayLike, others: ArrayLike) -> float:
    """Returns how likely a seed of one arm beats a seed of another on a task drawn at random.

        P = mean over tasks of (1 / S S′) Σᵢⱼ [xᵢ > yⱼ] + ½ [xᵢ = yⱼ]

    Pairs in which a score is missing are left out.

    Args:
        scores: of the arm, [S, B].
        others: of the arm that it is held against, [S′, B].

    Source:
        Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical
        precipice" (arXiv 2108.13264).

    Example:
        >>> probability_of_improvement([[1.0, 2.0]], [[1.0, 0.0]])
        0.75
    """
    wins, known = _wins(scores, others)
    return _share(wins.sum(axis=(0, 1)), known.sum(axis=(0, 1)))


def improvement_interval(
    scores: ArrayLike,
    others: ArrayLike,
    rng: np.random.Generator,
    num_resamples: int = NUM_RESAMPLES,
    level: float = 0.95,
) -> Estimate:
    """Returns the probability of improvement with its interval over seeds and tasks.

    A resample draws the rows of either arm and the columns of both, as `crossed_interval` does.

    Args:
        scores: of the arm, [S, B].
        others: of the arm that it is held against, [S′, B].
        rng: of the resamples.
        num_resamples: how many.
        level: share of the resamples within the interval.
    """
    wins, known = _wins(scores, others)
    value = _share(wins.sum(axis=(0, 1)), known.sum(axis=(0, 1)))
    if math.isnan(value):
        return _NOTHING
    num_rows, num_others, num_tasks = wins.shape
    drawn = np.empty(num_resamples)
    for k in range(num_resamples):
        mine = np.bincount(rng.integers(num_rows, size=num_rows), minlength=num_rows)
        its = np.bincount(rng.integers(num_others, size=num_others), minlength=num_others)
        tasks = np.bincount(rng.integers(num_tasks, size=num_tasks), minlength=num_tasks)
        pairs = np.outer(mine, its)
        won, counted = (np.tensordot(pairs, cells, 2) for cells in (wins, known))
        drawn[k] = _share(won, counted, tasks)
    return _estimate(value, drawn, level)


def _wins(scores: ArrayLike, others: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns who wins (ties: a half) and which pairs there are, [S, S′, B] each."""
    mine, its = (np.atleast_2d(np.asarray(v, dtype=np.float64)) for v in (scores, others))
    if mine.shape[1] != its.shape[1]:
        raise ValueError(
            f"both arms must have played the same tasks, got {mine.shape[1]} and {its.shape[1]}."
        )
    x, y = mine[:, None, :], its[None, :, :]
    known = ~(np.isnan(x) | np.isnan(y))
    return np.where(known, (x > y) + 0.5 * (x == y), 0.0), known.astype(np.float64)


def _share(
    won: NDArray[np.float64],
    counted: NDArray[np.float64],
    weights: NDArray[np.int64] | None = None,
) -> float:
    """Returns the weighted mean over tasks of won / counted; tasks without pairs are left out."""
    there = counted > 0
    each = weights[there] if weights is not None else np.ones(int(there.sum()))
    if not each.sum():
        return math.nan
    return float(np.average(won[there] / counted[there], weights=each))


def _estimate(value: float, drawn: NDArray[np.float64], level: float) -> Estimate:
    finite = drawn[~np.isnan(drawn)]
    if not len(finite) or math.isnan(value):
        return _NOTHING
    low, high = np.quantile(finite, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(value, float(low), float(high))
