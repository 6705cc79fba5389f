"""Statistics of scores: robust means, intervals, paired comparisons, and what is reported of them.

All functions are pure. A task that was never played to its end has the score NaN; it is left out
here, and `num_tasks` says how many remained. Where nothing remains the result is NaN.
`measures` makes the block of numbers that stands in every commit of a campaign.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from curricula import scores
from taskgen.outcomes import Outcomes

NUM_RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A number and the interval it lies in."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class References:
    """What else would earn on B tasks; NaN where it is not known.

    Args:
        random: return of an episode of the random policy, [B].
        oracle: best return of an episode for someone who knows the task, [B].
    """

    random: NDArray[np.float64]
    oracle: NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences, its standard error and its 95 % interval; `num` pairs."""

    value: float
    se: float
    low: float
    high: float
    num: int


def iqm(values: ArrayLike) -> float:
    """Returns the interquartile mean: the mean without ⌊n/4⌋ values at either end.

    Source:
        Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical
        precipice" (arXiv 2108.13264).

    Example:
        >>> iqm([1, 2, 3, 4, 5, 6, 7, 100])
        4.5
    """
    ordered = np.sort(_present(values))
    if not len(ordered):
        return math.nan
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def iqm_interval(
    values: ArrayLike,
    rng: np.random.Generator,
    num_resamples: int = NUM_RESAMPLES,
    level: float = 0.95,
) -> Estimate:
    """Returns the IQM with its stratified percentile bootstrap interval.

    Every resample draws as many values as a stratum has, with replacement, within each stratum.

    Args:
        values: [N], or [S, N] with a row a stratum. Rows that are runs give the uncertainty over
            tasks, for these very runs; rows that are tasks (columns runs) that over runs, as
            published.
        rng: of the resamples.
        num_resamples: how many.
        level: share of the resamples within the interval.

    Source:
        Agarwal et al. 2021 (arXiv 2108.13264).
    """
    table = np.atleast_2d(np.asarray(values, dtype=np.float64))
    present = ~np.isnan(table)
    flat, strata = table[present], np.nonzero(present)[0]
    if not len(flat):
        return Estimate(math.nan, math.nan, math.nan)
    means = _resampled_iqms(flat, strata, rng, num_resamples)
    low, high = np.quantile(means, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(iqm(flat), float(low), float(high))


def mean_interval(
    values: ArrayLike,
    rng: np.random.Generator,
    num_resamples: int = NUM_RESAMPLES,
    level: float = 0.95,
) -> Estimate:
    """Returns the mean over tasks with its percentile bootstrap interval.

    Where all values are equal so are all resamples, and the interval is a point: of rates at 0 or
    1 it says too little.

    Args:
        values: [N].
        rng: of the resamples.
        num_resamples: how many.
        level: share of the resamples within the interval.
    """
    present = _present(values)
    if not len(present):
        return Estimate(math.nan, math.nan, math.nan)
    drawn = rng.integers(len(present), size=(num_resamples, len(present)))
    low, high = np.quantile(present[drawn].mean(axis=1), [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(float(present.mean()), float(low), float(high))


def cvar(values: ArrayLike, share: float = 0.1) -> float:
    """Returns the mean of the worst ⌈share · n⌉ values.

    Example:
        >>> cvar([3, 1, 2, 9], share=0.5)
        1.5
    """
    ordered = np.sort(_present(values))
    return float(ordered[: math.ceil(share * len(ordered))].mean()) if len(ordered) else math.nan


def paired_difference(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Difference:
    """Returns the mean of a − b over tasks that both were measured on.

    SE = sd(a − b) / √n; the interval is Student's with n − 1 degrees of freedom. It says nothing
    about the noise of training. With fewer than two pairs the SE is NaN.

    Args:
        a: scores, [B].
        b: scores of the same tasks in the same order, [B].
        level: of the interval.
    """
    pairs = _present(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64))
    num = len(pairs)
    if num < 2:
        value = float(pairs[0]) if num else math.nan
        return Difference(value, math.nan, math.nan, math.nan, num)
    value, se = float(pairs.mean()), float(pairs.std(ddof=1) / math.sqrt(num))
    reach = float(stats.t.ppf(0.5 + level / 2, num - 1)) * se
    return Difference(value, se, value - reach, value + reach, num)


def normalised_score(returns: ArrayLike, random: ArrayLike, oracle: ArrayLike) -> float:
    """Returns the ratio of means over tasks, (R − R_random) / (R_oracle − R_random).

    0 is the random policy, 1 the oracle. A ratio of means, since a mean of ratios is ruled by
    the tasks on which the random policy is nearly as good as the oracle. NaN where the oracle is
    not better than random on average.

    Args:
        returns: of the learner, [B].
        random: of the random policy on the same tasks, [B].
        oracle: of the oracle on the same tasks, [B].
    """
    table = _complete_rows(returns, random, oracle)
    if not table.shape[1]:
        return math.nan
    mine, lowest, highest = table.mean(axis=1)
    return float((mine - lowest) / (highest - lowest)) if highest > lowest else math.nan


def normalised_interval(
    references: References,
    returns: ArrayLike,
    rng: np.random.Generator,
    num_resamples: int = NUM_RESAMPLES,
    level: float = 0.95,
) -> Estimate:
    """Returns the normalised score with its percentile bootstrap interval over tasks.

    A resample draws tasks, each with all its three returns. Resamples in which the oracle is not
    better than random have no score and are left out.

    Args:
        references: of B tasks.
        returns: of the learner, [B].
        rng: of the resamples.
        num_resamples: how many.
        level: share of the resamples within the interval.
    """
    table = _complete_rows(returns, references.random, references.oracle)
    value = normalised_score(*table)
    if math.isnan(value):
        return Estimate(math.nan, math.nan, math.nan)
    mine, lowest, highest = table
    drawn = rng.integers(len(mine), size=(num_resamples, len(mine)))
    room = (highest - lowest)[drawn].sum(axis=1)
    ratios = (mine - lowest)[drawn].sum(axis=1)[room > 0.0] / room[room > 0.0]
    low, high = np.quantile(ratios, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(value, float(low), float(high))


def mastered_share(outcomes: Outcomes, threshold: float) -> float:
    """Returns the share of tasks that are mastered, in [0, 1].

    A task is mastered when the share of its complete units that succeeded is at least the
    threshold. A task is played in one lifetime, so the units are the only repetitions there are:
    with three episodes and a threshold of 0.8, all three have to succeed, the first included.

    Args:
        outcomes: of B tasks.
        threshold: in [0, 1].

    Raises:
        ValueError: if success has no meaning for these tasks.
    """
    rates = _present(scores.success_rate(outcomes))
    return float((rates >= threshold).mean()) if len(rates) else math.nan


def adaptation_curve(outcomes: Outcomes) -> dict[str, Any]:
    """Returns returns, successes and lengths of each unit, averaged over tasks, [E] each.

    "returns_iqm" are interquartile means: where a return has no lower bound, as minus an error,
    one task that was left ever farther decides a mean. A unit that no task completed is None;
    successes are None where they have no meaning. "unit" says what is counted.
    """
    successes = outcomes.successes
    columns = zip(outcomes.returns.T, outcomes.complete.T, strict=True)
    return {
        "returns": _column_means(outcomes.returns, outcomes.complete),
        "returns_iqm": [_plain(iqm(column[done])) for column, done in columns],
        "successes": None if successes is None else _column_means(successes, outcomes.complete),
        "lengths": _column_means(outcomes.lengths, outcomes.complete),
        "unit": outcomes.unit,
    }


def measures(
    outcomes: Outcomes,
    rng: np.random.Generator,
    success_threshold: float,
    references: References | None = None,
) -> dict[str, Any]:
    """Returns what is reported about a learner on a task set, as JSON-able values.

    The return is that of the last complete unit. What could not be measured is None: success
    where it has no meaning, everything where no task was played to an end. Intervals hold 95 %
    of bootstrap resamples of the tasks: they tell of these tasks, not of other trainings.

    Args:
        outcomes: of B tasks.
        rng: of the bootstrap.
        success_threshold: success share from which a task counts as mastered, in [0, 1].
        references: of the same tasks; None: there is no score, and no regret.
    """
    last = scores.last_return(outcomes)
    estimate = iqm_interval(last, rng)
    mastered = math.nan
    succeeded: ArrayLike = ()
    if outcomes.successes is not None:
        succeeded = scores.last_success(outcomes)
        mastered = mastered_share(outcomes, success_threshold)
    return {
        "return_iqm": [_plain(x) for x in (estimate.value, estimate.low, estimate.high)],
        "return_mean": _plain(_mean(last)),
        **_with_interval("success_rate", succeeded, rng),
        **_with_interval("adaptation_gain", scores.adaptation_gain(outcomes), rng),
        **_with_interval("length_gain", scores.length_gain(outcomes), rng),
        "mastered_share": _plain(mastered),
        "return_cvar10": _plain(cvar(last)),
        "curve": adaptation_curve(outcomes),
        "num_tasks": len(_present(last)),
        **({} if references is None else _against(references, outcomes, rng)),
    }


def lifetime_estimate(outcomes: Outcomes, rng: np.random.Generator) -> list[float | None]:
    """Returns the mean return of a whole lifetime and its interval, [estimate, low, high]."""
    found = mean_interval(scores.lifetime_return(outcomes), rng)
    return [_plain(x) for x in (found.value, found.low, found.high)]


def _against(
    references: References, outcomes: Outcomes, rng: np.random.Generator
) -> dict[str, Any]:
    """Returns score and regret where there are any, and of how many tasks if not of all."""
    last = scores.last_return(outcomes)
    found = normalised_interval(references, last, rng)
    if math.isnan(found.value):
        return {}
    num_tasks = _complete_rows(last, references.random, references.oracle).shape[1]
    some = {"num_scored": num_tasks} if num_tasks < len(_present(last)) else {}
    return {
        "score": [found.value, found.low, found.high],
        **_with_interval("oracle_regret", scores.regret(outcomes, references.oracle), rng),
        **some,
    }


def _complete_rows(*columns: ArrayLike) -> NDArray[np.float64]:
    """Returns the columns without the tasks that are NaN in any of them, [columns, tasks]."""
    table = np.array(columns, dtype=np.float64)
    return table[:, ~np.isnan(table).any(axis=0)]


def _with_interval(name: str, values: ArrayLike, rng: np.random.Generator) -> dict[str, Any]:
    """Returns the mean under a name, and [low, high] beside it, None where there is neither."""
    found = mean_interval(values, rng)
    ends = None if math.isnan(found.value) else [found.low, found.high]
    return {name: _plain(found.value), f"{name}_interval": ends}


def _resampled_iqms(
    flat: NDArray[np.float64], strata: NDArray[np.int64], rng: np.random.Generator, num: int
) -> NDArray[np.float64]:
    """Returns the IQMs of resamples, [num], without sorting any of them.

    With the values sorted once, a resample is how often each occurs; the running count of these
    says how much of each value lies between the quartile cuts.
    """
    size = len(flat)
    sizes = np.bincount(strata)
    first = (np.cumsum(sizes) - sizes)[strata]
    rank = np.argsort(np.argsort(flat, kind="stable"), kind="stable")
    drawn = rank[first + (rng.random((num, size)) * sizes[strata]).astype(np.int64)]
    drawn += (np.arange(num) * size)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=num * size).reshape(num, size)
    cut = size // 4
    reached = np.clip(np.cumsum(counts, axis=1), cut, size - cut)
    shares = np.diff(reached, axis=1, prepend=cut)
    return (shares @ np.sort(flat)) / (size - 2 * cut)


def _present(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64).ravel()
    return array[~np.isnan(array)]


def _mean(values: ArrayLike) -> float:
    present = _present(values)
    return float(present.mean()) if len(present) else math.nan


def _column_means(values: NDArray[Any], complete: NDArray[np.bool_]) -> list[float | None]:
    columns = zip(values.T, complete.T, strict=True)
    return [_plain(_mean(column[done])) for column, done in columns]


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
