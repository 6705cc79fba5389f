"""Gittins indices of Bernoulli arms, by calibration against arms that are known.

The index of an arm is the payment λ of a known arm at which one is indifferent between pulling it
for ever and pulling the unknown arm first, with the known one to fall back on.

Source: Gittins 1979, "Bandit processes and dynamic allocation indices"; the calibration as in
Gittins, Glazebrook and Weber 2011, §7.
"""

from __future__ import annotations

import functools

import numba
import numpy as np
from numpy.typing import NDArray

_GRID = 400
_BEYOND = 200  # pulls after the last one that are still looked at


@functools.lru_cache(maxsize=4)
def gittins_indices(num_pulls: int, discount: float) -> NDArray[np.float64]:
    """Returns the index after each number of wins and losses, uniform prior, [n + 1, n + 1].

    For λ on a grid of 400, by backward induction over posteriors,

        V(a, b) = max(λ / (1 − γ), m · (1 + γ V(a + 1, b)) + (1 − m) · γ V(a, b + 1)),

    m = a / (a + b); the index is where the two are equal, interpolated between the two λ around it.
    Beyond 200 more pulls than there are, the better of m and λ for ever stands for V.

    Args:
        num_pulls: n, the largest number of wins and losses together.
        discount: γ in (0, 1).

    Raises:
        ValueError: if the discount is not in (0, 1).

    Example:
        >>> float(gittins_indices(2, 0.9)[0, 0].round(4))  # 0.7029 in published tables
        0.7029
    """
    if not 0.0 < discount < 1.0:
        raise ValueError(f"discount must be in (0, 1), got {discount}.")
    return np.asarray(_calibrated(num_pulls, discount, num_pulls + _BEYOND, _GRID))


@numba.njit(cache=True)
def _calibrated(num_pulls, discount, depth, grid):  # type: ignore[no-untyped-def]
    """See `gittins_indices`; `depth` is the number of pulls at which the induction begins."""
    indices = np.zeros((num_pulls + 1, num_pulls + 1))
    gains = np.zeros((num_pulls + 1, num_pulls + 1))  # of going on, at the λ before
    values = np.zeros(depth + 2)
    for step in range(grid + 1):
        known = step / grid
        settled = known / (1.0 - discount)
        for wins in range(depth + 1):
            mean = (wins + 1.0) / (depth + 2.0)
            values[wins] = max(mean / (1.0 - discount), settled)
        for pulls in range(depth - 1, -1, -1):
            for wins in range(pulls + 1):
                mean = (wins + 1.0) / (pulls + 2.0)
                on = mean * (1.0 + discount * values[wins + 1])
                on += (1.0 - mean) * discount * values[wins]
                values[wins] = max(on, settled)
                if pulls > num_pulls:
                    continue
                gain, losses = on - settled, pulls - wins
                before = gains[wins, losses]
                if gain <= 0.0 and indices[wins, losses] == 0.0:
                    share = before / (before - gain) if before > gain else 1.0
                    indices[wins, losses] = (step - 1.0 + share) / grid
                gains[wins, losses] = gain
    return indices
