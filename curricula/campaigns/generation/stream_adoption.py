"""The decisions of a stream, as pure functions: whether its one move is made, and what of it stays.

There is no "keep" to compare with. A gain is held against the gains before it, whose deviation is
the noise; whether a learner fell, against that and the noise of the tasks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from curricula.campaigns.generation.adoption import Reason, Verdict, noise_of

STREAM_WINDOW = 10
Standard: TypeAlias = Literal["harmless", "as lately"]
"""What a move that covers more must do: no harm, or gain as the moves before it."""


def decide(
    gain: float,
    gain_se: float,
    gain_history: Sequence[float],
    *,
    coverage: tuple[float, float],
    to_cover_more: Standard,
    adopt_sd: float,
    rollback_sd: float,
) -> Verdict:
    """Returns what stays of a generation without forks.

    The difference is the gain minus the mean of the recent ones. Above the noise
    adopt_sd · √(sd² + SE²) of the recent gains the distribution moves ("test"); within it only if
    that covers more of what counts ("tie"); else it stays where it was ("keep"), the learner going
    on all the same. By the standard "harmless" a move that covers more need only have a gain of
    −adopt_sd · SE or more: gains shrink as a learner comes to the end of what a distribution has
    to teach, and that is no reason to stay there. A fall beyond the noise takes the learner back
    as well ("rollback"). How much gains vary shows from the second one on: until then no
    difference counts as beyond the noise, for the first gains of an untrained learner are the
    largest, whatever the move.

    Args:
        gain: new minus old learner on one task set.
        gain_se: its standard error, paired over tasks.
        gain_history: the gains before it.
        coverage: how like what counts the incumbent is, and the moved one.
        to_cover_more: what a move that covers more must at least do.
        adopt_sd: how many deviations of noise count as beyond it.
        rollback_sd: how many deviations a fall may have.
    """
    difference = gain - recent_mean(gain_history)
    noise = noise_of(adopt_sd, spread(gain_history), gain_se)
    if len(gain_history) < 2:
        noise = max(noise, abs(difference))
    why: Reason = "keep"
    if should_roll_back(gain, gain_history, gain_se, rollback_sd):
        why = "rollback"
    elif difference > noise:
        why = "test"
    elif coverage[1] > coverage[0]:
        as_lately = abs(difference) <= noise
        harmless = to_cover_more == "harmless" and is_harmless(gain, gain_se, adopt_sd)
        why = "tie" if as_lately or harmless else "keep"
    return Verdict(0, why, difference, gain_se, noise, None)


def is_harmless(gain: float, gain_se: float, sd: float) -> bool:
    """Whether a learner did not fall beyond the noise of the tasks alone; not a number: it did.

    Example:
        >>> is_harmless(-0.1, 0.2, 1.0), is_harmless(-0.3, 0.2, 1.0)
        (True, False)
    """
    return gain >= -noise_of(sd, None, gain_se)


def follow(gain: float, gain_se: float, gain_history: Sequence[float]) -> Verdict:
    """Returns the verdict where the search decides by itself: its move is made, untested.

    A gain that is not a number, that of a branch that failed, takes the learner back.

    Args:
        gain: new minus old learner on one task set.
        gain_se: its standard error, paired over tasks.
        gain_history: the gains before it.
    """
    why: Reason = "rollback" if math.isnan(gain) else "search"
    return Verdict(0, why, gain - recent_mean(gain_history), gain_se, math.nan, None)


def recent_mean(gain_history: Sequence[float], window: int = STREAM_WINDOW) -> float:
    """Returns the mean of the last gains, 0 where there are none: what a move has to beat.

    Without forks there is no "keep" to compare with, and progress slows for every move.
    """
    recent = _recent(gain_history, window)
    return float(recent.mean()) if len(recent) else 0.0


def spread(gain_history: Sequence[float], window: int = STREAM_WINDOW) -> float:
    """Returns the sample deviation of the last gains, 0 with fewer than two."""
    recent = _recent(gain_history, window)
    return float(recent.std(ddof=1)) if len(recent) > 1 else 0.0


def should_roll_back(
    gain: float,
    gain_history: Sequence[float],
    se: float,
    rollback_sd: float,
) -> bool:
    """Whether the learner fell by more than noise: gain < −rollback_sd · √(spread² + SE²).

    Args:
        gain: new minus old learner on one task set. Not a number: yes.
        gain_history: the gains before it.
        se: standard error of the gain, paired over tasks.
        rollback_sd: how many deviations of noise it may fall.
    """
    return math.isnan(gain) or gain < -noise_of(rollback_sd, spread(gain_history), se)


def _recent(gain_history: Sequence[float], window: int) -> NDArray[np.float64]:
    finite = [gain for gain in gain_history if math.isfinite(gain)]
    return np.array(finite[-window:], dtype=np.float64)
