"""The decisions of a generation, as pure functions: which branch stops, which one goes on.

Three kinds of noise meet here. Tasks differ: that is in the standard errors, paired over one task
set. Two trainings on the same distribution differ: that is the A/A deviation, measured by running
"keep" twice. And a winner was chosen for being lucky: so it is played again on fresh tasks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from curricula.statistics import paired_difference

Reason: TypeAlias = Literal["test", "challenger", "tie", "keep", "rollback", "search"]


@dataclass(frozen=True)
class Verdict:
    """Which branch goes on, and why.

    Args:
        winner: index of the branch that goes on.
        decided_by: "test": a move beat "keep" beyond the noise; "challenger": the challenger did;
            "tie": within the noise, a candidate that covers more was taken; "keep": the
            incumbent stays.
        difference: of the tested branch to "keep" on the adoption tasks.
        difference_se: its standard error, paired over tasks.
        noise: how large the difference had to be.
        aa_gain_sd: the A/A deviation that is in the noise, None before the first measurement.
    """

    winner: int
    decided_by: Reason
    difference: float
    difference_se: float
    noise: float
    aa_gain_sd: float | None

    def to_json(self) -> dict[str, Any]:
        """Returns the verdict as it stands in a commit; what could not be measured is None."""
        return _finite(asdict(self))


@dataclass(frozen=True)
class MergeVerdict:
    """Whether the merge of several branches goes on in the place of the one that was chosen.

    Args:
        goes_on: whether it does.
        difference: of the merge to that branch on the adoption tasks.
        difference_se: its standard error, paired over tasks.
        difference_to_keep: of the merge to "keep" on the same tasks.
        difference_to_keep_se: its standard error, paired over tasks.
        needed_over_keep: how large the difference to "keep" had to be.
    """

    goes_on: bool
    difference: float
    difference_se: float
    difference_to_keep: float
    difference_to_keep_se: float
    needed_over_keep: float

    def to_json(self) -> dict[str, Any]:
        """Returns the verdict as it stands in a commit; what could not be measured is None."""
        return _finite(asdict(self))


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }


def kept(aa_sd: float | None) -> Verdict:
    """Returns the verdict of a generation in which nothing was left to test."""
    return Verdict(0, "keep", 0.0, 0.0, 0.0, aa_sd)


def aa_gain_sd(differences: Sequence[float]) -> float | None:
    """Returns the deviation, by training noise, of a difference between two branches' gains.

    √(mean d²) over all d = gain(keep′) − gain(keep), where keep′ is "keep" with other training
    seeds. Both trained on one distribution, so the true mean of d is 0 and is not estimated. A
    difference of two branches is what `decide` compares too, so there is no factor √2. Each d
    also holds what the selection tasks add, hence the noise is over- rather than understated.

    Returns:
        None before the first measurement. With one or two it is rough; it steadies with more.
    """
    finite = np.array([d for d in differences if math.isfinite(d)], dtype=np.float64)
    return float(np.sqrt(np.mean(finite**2))) if len(finite) else None


def noise_of(sd: float, aa_sd: float | None, *standard_errors: float) -> float:
    """Returns sd · √(aa_sd² + Σ SE²): how large a difference noise alone may make.

    Example:
        >>> noise_of(2.0, 0.3, 0.4)
        1.0
    """
    return sd * math.hypot(aa_sd or 0.0, *standard_errors)


def pruned_at_rung(
    gains: Sequence[float],
    ses: Sequence[float],
    aa_sd: float | None,
    prune_sd: float,
    protected: Sequence[bool],
) -> NDArray[np.bool_]:
    """Returns which branches are behind the leader beyond the noise and stop, [N].

    The noise of the difference of two gains is prune_sd · √(aa_sd² + SE² + SE²_leader). Both were
    played on the same tasks, whose ups and downs they share, so it is over- rather than
    understated. A gain that is not finite stops; one without a finite SE neither stops nor leads.

    Args:
        gains: of the branches at the rung, [N].
        ses: standard error of each gain, paired over tasks, [N].
        aa_sd: of `aa_gain_sd`.
        prune_sd: how many deviations of noise a branch may be behind.
        protected: which never stop ("keep" and its A/A copy), [N].
    """
    values, errors = np.array(gains, dtype=np.float64), np.array(ses, dtype=np.float64)
    measured = np.isfinite(values) & np.isfinite(errors)
    pruned = ~np.isfinite(values)
    if measured.any():
        leader = int(np.where(measured, values, -np.inf).argmax())
        errors[~measured] = 0.0
        noise = prune_sd * np.sqrt((aa_sd or 0.0) ** 2 + errors**2 + errors[leader] ** 2)
        pruned |= measured & (values < values[leader] - noise)
    return pruned & ~np.array(protected, dtype=bool)


def decide(
    scores_winner: ArrayLike,
    scores_keep: ArrayLike,
    *,
    gains: Sequence[float],
    coverages: Sequence[float],
    pruned: Sequence[bool],
    winner: int,
    challenger: int | None,
    aa_sd: float | None,
    adopt_sd: float,
) -> Verdict:
    """Returns which branch goes on, after the winner and "keep" have played fresh adoption tasks.

    The difference of their means is held against the noise adopt_sd · √(aa_sd² + SE²). Above it
    the winner goes on, below its negative "keep" stays. Within it there is a tie: of the
    candidates that cover more than "keep" and whose own gain is not behind by more than the noise,
    the one of the largest gain goes on; without one, "keep". A challenger has to win the test: no
    tie is ever its. Where the difference cannot be measured "keep" stays.

    Args:
        scores_winner: of the winner on the adoption tasks, [B].
        scores_keep: of "keep" on the same tasks, [B].
        gains: of all branches on the selection tasks, "keep" first, [N].
        coverages: how like what counts their distributions are (`TaskDistribution.likeness`), in
            [0, 1], [N].
        pruned: which stopped at the rung, [N].
        winner: index of the branch of the largest gain, the one that was tested.
        challenger: index of the challenger; None: there is none.
        aa_sd: of `aa_gain_sd`; None: the paired standard error alone is the noise.
        adopt_sd: how many deviations of noise count as beyond it.
    """
    test = paired_difference(scores_winner, scores_keep)
    noise = noise_of(adopt_sd, aa_sd, test.se)
    chosen = 0
    why: Reason = "keep"
    if test.value > noise:
        chosen, why = winner, "challenger" if winner == challenger else "test"
    elif abs(test.value) <= noise:
        closer = [i for i in range(1, len(gains)) if coverages[i] > coverages[0]]
        able = [i for i in closer if i != challenger and not pruned[i]]
        near = [i for i in able if gains[0] - gains[i] <= noise]
        if near:
            chosen, why = max(near, key=lambda i: gains[i]), "tie"
    return Verdict(chosen, why, test.value, test.se, noise, aa_sd)


def gain_noise(aa_sd: float | None, standard_errors: Sequence[float]) -> float:
    """Returns the deviation that noise gives the difference of two branches' gains.

    √(aa_sd² + mean SE²), the SE of each branch's score minus the first one's, paired over the
    selection tasks; those that are not finite are left out. NaN where nothing is known.

    Example:
        >>> gain_noise(0.3, [0.4]), gain_noise(None, [0.5, 0.5])
        (0.5, 0.5)
    """
    finite = [error for error in standard_errors if math.isfinite(error)]
    if not finite and aa_sd is None:
        return math.nan
    mean_square = sum(error**2 for error in finite) / max(len(finite), 1)
    return math.sqrt((aa_sd or 0.0) ** 2 + mean_square)


def merge_weights(gains: Sequence[float], noise: float) -> NDArray[np.float64]:
    """Returns how much of each branch goes into a merge, wᵢ ∝ exp(gainᵢ / T), [N], sum 1.

    T = (√3 / π) · noise. Then wᵢ is the probability that branch i is truly the best, were the
    gains measured with Gumbel noise whose differences deviate by `noise`. With little noise all
    the weight is the winner's, with much all branches weigh alike. Gains above "keep" or above
    the start give the same weights.

    Args:
        gains: of the branches, finite, [N].
        noise: of the difference of two gains, as `gain_noise` has it; 0: none.

    Source:
        Luce 1959, "Individual choice behavior"; that this is the choice of the best under Gumbel
        noise, McFadden 1974, "Conditional logit analysis of qualitative choice behavior".

    Example:
        >>> merge_weights([0.2, 0.2], 0.1).tolist(), merge_weights([0.0, 0.2], 0.0).tolist()
        ([0.5, 0.5], [0.0, 1.0])
    """
    above = np.array(gains, dtype=np.float64) - np.max(gains)
    temperature = math.sqrt(3.0) / math.pi * noise
    odds = np.exp(above / temperature) if temperature > 0 else (above == 0).astype(np.float64)
    return odds / odds.sum()


def decide_merge(
    scores_merged: ArrayLike,
    scores_chosen: ArrayLike,
    scores_keep: ArrayLike,
    *,
    moved_by_test: bool,
    aa_sd: float | None,
    adopt_sd: float,
) -> MergeVerdict:
    """Returns whether a merge goes on in place of the branch that `decide` chose.

    All three have played the adoption tasks. Where the next generation trains is decided already,
    by branches that each trained on one distribution; a merge trained on all of them says nothing
    about that. So what is left is the choice between two learners, neither of them the one to be
    preferred in doubt: the better mean goes on, against the chosen branch as against "keep".
    Only where the distribution moved because the test was won beyond the noise, the merge, which
    goes on there, has to win that test too: adopt_sd · √(aa_sd² + SE²) over "keep".

    Args:
        scores_merged: of the merge, [B].
        scores_chosen: of the branch that was chosen, [B].
        scores_keep: of "keep" (which may be the same branch), [B].
        moved_by_test: whether that branch won the test ("test", "challenger").
        aa_sd: of `aa_gain_sd`.
        adopt_sd: how many deviations of noise count as beyond it.
    """
    over_chosen = paired_difference(scores_merged, scores_chosen)
    over_keep = paired_difference(scores_merged, scores_keep)
    needed = noise_of(adopt_sd, aa_sd, over_keep.se) if moved_by_test else 0.0
    return MergeVerdict(
        bool(over_chosen.value > 0 and over_keep.value > needed),
        over_chosen.value,
        over_chosen.se,
        over_keep.value,
        over_keep.se,
        needed,
    )
