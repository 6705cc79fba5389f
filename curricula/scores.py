"""Scores: what a lifetime was worth, as pure functions from `Outcomes` to one number a task, [B].

Higher is better (for the learner) or more to learn (for a curriculum); each says which. What was
not played to its end is in no score: a task with nothing complete has the score NaN, which
`curricula.statistics` leaves out and a curriculum must not act on. `SCORES` knows them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from taskgen.outcomes import Outcomes


def last_return(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns the return of the last complete unit of each task, [B]; higher is better."""
    return _pick(outcomes.returns, outcomes, _last_complete(outcomes))


def winsorized_return(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns the last return, that of the worst ⌈B/100⌉ tasks raised to the next worst's, [B].

    Higher is better. A return that has no lower bound, as minus an error, may fall without end on
    a task where adaptation diverges, and one such task would decide any mean over the others.

    Source:
        Dixon 1960, "Simplified estimation from censored normal samples", at the lower end alone.
    """
    last = last_return(outcomes)
    ordered = np.sort(last[~np.isnan(last)])
    if not len(ordered):
        return last
    num_raised = -(-len(ordered) // 100)
    return np.maximum(last, ordered[min(num_raised, len(ordered) - 1)])


def first_return(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns the return of the first complete unit of each task, [B]; higher is better."""
    return _pick(outcomes.returns, outcomes, outcomes.complete.argmax(axis=1))


def mean_return(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns the mean return over the complete units of each task, [B]; higher is better."""
    return _mean_over_complete(outcomes.returns, outcomes)


def lifetime_return(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns the sum over all units of each lifetime, [B]; higher is better.

    NaN unless every unit was played to its end.
    """
    return np.where(outcomes.complete.all(axis=1), outcomes.returns.sum(axis=1), np.nan)


def adaptation_gain(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns the last minus the first complete return of each task, [B]; higher is better.

    With one complete unit there was nothing to gain, and it is 0.
    """
    return last_return(outcomes) - first_return(outcomes)


def length_gain(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns by how many env steps the last complete unit was shorter than the first, [B].

    Higher is better where a task is to be finished early. With one complete unit it is 0; NaN
    where the first took no steps, as of a problem, for there is nothing to save.
    """
    lengths = outcomes.lengths.astype(np.float64)
    first = _pick(lengths, outcomes, outcomes.complete.argmax(axis=1))
    saved = first - _pick(lengths, outcomes, _last_complete(outcomes))
    return np.where(first > 0.0, saved, np.nan)


def first_success(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns whether the first complete unit of each task succeeded, 0 or 1, [B].

    Raises:
        ValueError: if success has no meaning for these tasks.
    """
    return _pick(_successes(outcomes), outcomes, outcomes.complete.argmax(axis=1))


def last_success(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns whether the last complete unit of each task succeeded, 0 or 1, [B].

    Raises:
        ValueError: if success has no meaning for these tasks.
    """
    return _pick(_successes(outcomes), outcomes, _last_complete(outcomes))


def success_gain(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns the last minus the first complete success of each task, −1, 0 or 1, [B].

    1: the task was solved by adapting to it. With one complete unit it is 0.

    Raises:
        ValueError: if success has no meaning for these tasks.
    """
    return last_success(outcomes) - first_success(outcomes)


def success_rate(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns the share of each task's complete units that succeeded, in [0, 1], [B].

    Raises:
        ValueError: if success has no meaning for these tasks.
    """
    return _mean_over_complete(_successes(outcomes), outcomes)


def learnability(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns how undecided each task still is, [B]; higher is more to learn.

    p · (1 − p), p its success rate: 0 for what always or never succeeds, 1/4 at most. Where success
    has no meaning, `return_variance`, which of returns 0 and 1 is the same. Over one unit it is 0.

    Source:
        Rutherford et al. 2024, "No regrets" (arXiv 2408.15099). There p is over separate
        rollouts of a level; here over the units of a lifetime, through which the policy adapts.
        The variance of returns is ours.
    """
    if outcomes.successes is not None:
        p = success_rate(outcomes)
        return p * (1.0 - p)
    return return_variance(outcomes)


def return_variance(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns the variance of each task's returns, 1/E · Σ (R − R̄)² over complete units, [B].

    Higher is more to learn, among tasks whose returns have one scale. Over one unit it is 0.
    """
    distances = outcomes.returns - mean_return(outcomes)[:, None]
    return _mean_over_complete(np.square(distances), outcomes)


def positive_value_loss(
    outcomes: Outcomes, discount: float = 0.99, trace: float = 0.95
) -> NDArray[np.float64]:
    """Returns by how much the critic was too low, on average over the played steps, [B].

    1/T · Σ_t max(Â_t, 0) with Â_t = Σ_{k ≥ t} (discount · trace)^(k−t) · δ_k over the T valid
    steps of the lifetime. It counts steps, not units, so those of an unfinished unit are in.

    Args:
        outcomes: with `td_errors`, [B, H].
        discount: γ of the learner, in [0, 1].
        trace: λ of the advantage estimate, in [0, 1].

    Raises:
        ValueError: if there are no TD errors (a learner without a critic).

    Source:
        Jiang et al. 2021, "Replay-guided adversarial environment design" (arXiv 2110.02439).
        There an episode, here the whole lifetime, through whose episode ends credit flows.
    """
    positive = np.maximum(_advantages(outcomes, discount, trace), 0.0)
    return _ratio(positive.sum(axis=1), outcomes.valid.sum(axis=1))


def l1_value_loss(
    outcomes: Outcomes, discount: float = 0.99, trace: float = 0.95
) -> NDArray[np.float64]:
    """Returns by how much the critic was wrong, on average over the played steps, [B].

    1/T · Σ_t |Â_t|, with Â_t as in `positive_value_loss`; higher is more to learn.

    Args:
        outcomes: with `td_errors`, [B, H].
        discount: γ of the learner, in [0, 1].
        trace: λ of the advantage estimate, in [0, 1].

    Raises:
        ValueError: if there are no TD errors (a learner without a critic).

    Source:
        Jiang et al. 2021, "Prioritized level replay" (arXiv 2010.03934), of lifetimes in place of
        episodes.
    """
    errors = np.abs(_advantages(outcomes, discount, trace))
    return _ratio(errors.sum(axis=1), outcomes.valid.sum(axis=1))


def td_error(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns the mean one-step error of the critic over the played steps, 1/T · Σ_t |δ_t|, [B].

    Higher is more to learn.

    Raises:
        ValueError: if there are no TD errors (a learner without a critic).

    Source:
        Jiang et al. 2021, "Prioritized level replay" (arXiv 2010.03934).
    """
    return l1_value_loss(outcomes, trace=0.0)


def expected_return(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns what the critic expected of each lifetime at its first step, V(s₀), [B].

    In units of the learner's scaled reward; NaN where nothing was played.

    Raises:
        ValueError: if the learner has no critic that says so.
    """
    return _of_critic("expected_return", outcomes.expected_returns, outcomes)


def discounted_return(outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns what each lifetime came to in the terms of `expected_return`, [B].

    Raises:
        ValueError: if the learner has no critic to compare it with.
    """
    return _of_critic("discounted_return", outcomes.discounted_returns, outcomes)


def max_monte_carlo(
    best: NDArray[np.float64], expected: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns how far the critic's expectation lies below the best that ever came, [B].

    R_max − V(s₀), which can be negative; higher is more to learn. No score of one lifetime alone:
    whoever asks for it remembers R_max of each task.

    Args:
        best: highest `discounted_return` so far of each task, [B].
        expected: `expected_return` now, [B].

    Source:
        Jiang et al. 2021, "Replay-guided adversarial environment design" (arXiv 2110.02439), as
        MaxMC. There R_max − V(s_t) is averaged over the steps of an episode, whose one reward
        comes at its end; here, as for dense rewards in its code, the start alone counts, since a
        lifetime collects rewards along its way.
    """
    with np.errstate(invalid="ignore"):  # what is infinite on both sides is no number
        return best - expected


def regret(outcomes: Outcomes, oracle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns how far the last complete unit stayed below the oracle, [B]; lower is better.

    Args:
        outcomes: of B tasks.
        oracle: best return of one episode for someone who knows the task, [B].
    """
    return oracle - last_return(outcomes)


def scores_told(names: str | tuple[str, ...] | None, outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns what a curriculum hears that asked for these scores.

    Args:
        names: one name of `SCORES`: [B]; several: [B, K], a column each; None: zeros, [B].
        outcomes: of B tasks.
    """
    if names is None:
        return np.zeros(outcomes.num_tasks)
    if isinstance(names, str):
        return SCORES[names](outcomes)
    return np.stack([SCORES[name](outcomes) for name in names], axis=1)


Score = Callable[[Outcomes], NDArray[np.float64]]

SCORES: Mapping[str, Score] = {
    "first_return": first_return,
    "last_return": last_return,
    "winsorized_return": winsorized_return,
    "mean_return": mean_return,
    "first_success": first_success,
    "last_success": last_success,
    "success_rate": success_rate,
    "success_gain": success_gain,
    "adaptation_gain": adaptation_gain,
    "length_gain": length_gain,
    "learnability": learnability,
    "return_variance": return_variance,
    "positive_value_loss": positive_value_loss,
    "l1_value_loss": l1_value_loss,
    "td_error": td_error,
    "expected_return": expected_return,
    "discounted_return": discounted_return,
}


def _advantages(outcomes: Outcomes, discount: float, trace: float) -> NDArray[np.float64]:
    """Returns Â_t of every played step, 0 elsewhere, [B, H]."""
    if outcomes.td_errors is None:
        raise ValueError(
            "this score needs td_errors, and this learner has no critic; "
            "choose a score of returns or successes."
        )
    errors = np.where(outcomes.valid, outcomes.td_errors, 0.0).astype(np.float64)
    backwards = lfilter([1.0], [1.0, -discount * trace], errors[:, ::-1], axis=1)
    return np.where(outcomes.valid, backwards[:, ::-1], 0.0)


def _of_critic(
    name: str, values: NDArray[np.float64] | None, outcomes: Outcomes
) -> NDArray[np.float64]:
    if values is None:
        raise ValueError(
            f"{name} needs a critic that foretells the lifetime, and this learner has none; "
            f"choose a score of returns or successes."
        )
    return np.where(outcomes.valid.any(axis=1), values, np.nan)


def _last_complete(outcomes: Outcomes) -> NDArray[np.intp]:
    """Returns the index of each task's last complete unit, [B]; E − 1 where there is none."""
    num_units = outcomes.complete.shape[1]
    return num_units - 1 - outcomes.complete[:, ::-1].argmax(axis=1)


def _pick(
    values: NDArray[np.float64], outcomes: Outcomes, index: NDArray[np.intp]
) -> NDArray[np.float64]:
    picked = np.take_along_axis(values, index[:, None], axis=1)[:, 0]
    return np.where(outcomes.complete.any(axis=1), picked, np.nan)


def _mean_over_complete(values: NDArray[np.float64], outcomes: Outcomes) -> NDArray[np.float64]:
    total = np.where(outcomes.complete, values, 0.0).sum(axis=1)
    return _ratio(total, outcomes.complete.sum(axis=1))


def _ratio(total: NDArray[np.float64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)


def _successes(outcomes: Outcomes) -> NDArray[np.float64]:
    if outcomes.successes is None:
        raise ValueError(
            "this score needs successes, and success has no meaning for these tasks; "
            "choose a score of returns."
        )
    return outcomes.successes.astype(np.float64)
