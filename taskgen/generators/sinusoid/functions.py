"""The functions of the family, as arrays: B functions are evaluated in one go.

Each is amplitude · g(frequency · x − phase), with g by name:

    sine        g(t) = sin t
    step        g(t) = sign sin t, which jumps twice a period
    harmonics   g(t) = Σ_k c_k · sin(k·t), k = 1 … 4
    gp          g(t) = Σ_m (a_m · sin(w_m·t) + b_m · cos(w_m·t)) / √64, m = 1 … 32

A line alone is amplitude · (x/5 · cos phase − sin phase), and has no frequency. The numbers c,
normal with Σ c² = 1, and a and b (normal) and w (standard normal) come from the task's draw. So a
`gp` is Gaussian for given w; over draws its covariance is that of the squared exponential kernel
of length 1/frequency. Sine, harmonics and gp have the same power, amplitude²/2, over long ranges.

Source: Rahimi and Recht 2007, "Random features for large-scale kernel machines" (the waves of gp).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from taskgen.randomness import uniforms

FAMILIES = ("sine", "line", "step", "harmonics", "gp")
DRAWN = ("harmonics", "gp")
"""Families whose functions are not fixed by their parameters alone."""
HALF_WIDTH = 5.0
"""Where a line has moved by its amplitude, in units of x; the published half-width of inputs."""

_NUM_HARMONICS, _NUM_WAVES = 4, 32

Floats = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]


def evaluate(functions: Arrays, x: Floats) -> Floats:
    """Returns the values of B functions, each at P points of its own, [B, P].

    Args:
        functions: "family", "amplitude", "phase", "frequency" and "draw", [B] each.
        x: [B, P].
    """
    names = functions["family"]
    found = np.empty_like(x)
    for name in FAMILIES:
        rows = np.flatnonzero(names == name)
        if len(rows) == len(names):
            return _values(name, functions, x)
        if len(rows):
            found[rows] = _values(name, {k: v[rows] for k, v in functions.items()}, x[rows])
    return found


def root_mean_squares(functions: Arrays, half_widths: Floats, num: int = 201) -> Floats:
    """Returns √(mean f²) of each function over its range of inputs, [B]."""
    grid = np.linspace(-1.0, 1.0, num) * half_widths[:, None]
    values: Floats = np.sqrt((evaluate(functions, grid) ** 2).mean(axis=1))
    return values


def _values(name: str, functions: Arrays, x: Floats) -> Floats:
    amplitude, phase = functions["amplitude"][:, None], functions["phase"][:, None]
    if name == "line":
        return amplitude * (x / HALF_WIDTH * np.cos(phase) - np.sin(phase))
    t = functions["frequency"][:, None] * x - phase
    values: Floats = amplitude * _SHAPES[name](t, functions["draw"])
    return values


def _sine(t: Floats, draws: NDArray[np.int64]) -> Floats:
    del draws
    values: Floats = np.sin(t)
    return values


def _step(t: Floats, draws: NDArray[np.int64]) -> Floats:
    return np.sign(_sine(t, draws))


def _harmonics(t: Floats, draws: NDArray[np.int64]) -> Floats:
    weights = _normals(draws, _NUM_HARMONICS)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    waves = np.sin(t[:, :, None] * np.arange(1, _NUM_HARMONICS + 1))
    return (waves @ weights[:, :, None])[:, :, 0]


def _gp(t: Floats, draws: NDArray[np.int64]) -> Floats:
    numbers = _normals(draws, 3 * _NUM_WAVES).reshape(len(draws), 3, _NUM_WAVES)
    speeds, sines, cosines = numbers[:, 0], numbers[:, 1], numbers[:, 2]
    angles = t[:, :, None] * speeds[:, None]
    total = np.sin(angles) @ sines[:, :, None] + np.cos(angles) @ cosines[:, :, None]
    values: Floats = total[:, :, 0] / np.sqrt(2 * _NUM_WAVES)
    return values


_SHAPES: dict[str, Callable[[Floats, NDArray[np.int64]], Floats]] = {
    "sine": _sine,
    "step": _step,
    "harmonics": _harmonics,
    "gp": _gp,
}


def _normals(draws: NDArray[np.int64], num: int) -> Floats:
    """Returns standard normal numbers of each draw, [B, num]."""
    # Halfway into its cell no uniform is 0, whose quantile is not finite.
    numbers: Floats = ndtri(uniforms(draws.astype(np.uint64), num) + 2.0**-54)
    return numbers
