"""What problems look like, in numbers: what the effect of a parameter has to show in."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.problems import Problems

NUM_WAVES = 12

_EPSILON = 1e-9


def content_features(problems: Problems) -> dict[str, NDArray[np.float64]]:
    """Returns how the support and the query set of each task look, [B] each.

    The number of points; mean and spread of inputs and of targets; and how targets go with
    inputs: the mean of y · cos(w·x + b) for some directions and frequencies w, inputs scaled to
    their spread; and how targets change from neighbour to neighbour, in first and second
    differences. Where targets are classes: how unlike the inputs of one class are.
    """
    B, S = problems.mask.shape
    query = np.ones((B, problems.num_query), dtype=bool)
    inputs = np.concatenate([_flat(problems.support_x), _flat(problems.query_x)], axis=1)
    counted = np.concatenate([problems.mask, query], axis=1)
    scale = max(float(inputs[counted].std()), _EPSILON)
    waves = _waves(inputs / scale)
    sets = {
        "support": (inputs[:, :S], _flat(problems.support_y), waves[:, :S], problems.mask),
        "query": (inputs[:, S:], _flat(problems.query_y), waves[:, S:], query),
    }
    found: dict[str, NDArray[np.float64]] = {}
    for name, (x, y, wave, mask) in sets.items():
        looks = _looks(x, y, wave, mask)
        if problems.has_classes:
            looks |= _scatter(x, y[:, :, 0], mask)
        found |= {f"{name} {key}": value for key, value in looks.items()}
    return found


def _looks(
    x: NDArray[np.float64], y: NDArray[np.float64], wave: NDArray[np.float64], mask: NDArray[Any]
) -> dict[str, NDArray[np.float64]]:
    """Returns the features of one set: inputs [B, P, X], targets [B, P, Y], waves [B, P, W]."""
    found = {"points": mask.sum(axis=1).astype(float)}
    for name, values in (("inputs", x), ("targets", y)):
        found[f"{name} mean"] = mean = _mean(values.mean(axis=2), mask)
        squares = ((values - mean[:, None, None]) ** 2).mean(axis=2)
        found[f"{name} spread"] = np.sqrt(_mean(squares, mask))
    first = y[:, :, 0]
    found["roughness"], found["bend"] = _neighbours(x @ _directions(x.shape[2])[:, 0], first, mask)
    for k in range(wave.shape[2]):
        found[f"wave {k}"] = _mean(first * wave[:, :, k], mask)
    return found


def _scatter(
    x: NDArray[np.float64], classes: NDArray[np.float64], mask: NDArray[Any]
) -> dict[str, NDArray[np.float64]]:
    """Returns how unlike the inputs of one class are, and how unlike their means, [B] each.

    The first as a share of how unlike all inputs are, the second as a deviation.
    """
    means = x.mean(axis=2, keepdims=True)
    share = _within(x, classes, mask) / np.maximum(_within(x, 0.0 * classes, mask), _EPSILON)
    deviation = np.sqrt(_within(means, classes, mask) / mask.sum(axis=1))
    return {"scatter": share, "scatter of means": deviation}


def _within(
    x: NDArray[np.float64], classes: NDArray[np.float64], mask: NDArray[Any]
) -> NDArray[np.float64]:
    """Returns Σ |x − mean of its class|² of each task, [B]."""
    labels = np.arange(int(classes.max()) + 1)
    is_of = ((classes[:, :, None] == labels) & mask[:, :, None]).astype(np.float64)
    sums = is_of.transpose(0, 2, 1) @ x
    squares = (sums**2).sum(axis=2) / np.maximum(is_of.sum(axis=1), 1.0)
    total = (np.where(mask, (x**2).sum(axis=2), 0.0)).sum(axis=1)
    return np.maximum(total - squares.sum(axis=1), 0.0)


def _directions(width: int) -> NDArray[np.float64]:
    """Returns unit vectors, [X, W]."""
    directions = np.random.default_rng(0).normal(size=(width, NUM_WAVES))
    return directions / np.linalg.norm(directions, axis=0)


def _waves(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns cos(w·x + b) of scaled inputs, [B, P, X] → [B, P, W]; the first are the slowest."""
    speeds = np.geomspace(0.3, 4.0, NUM_WAVES)
    shifts = np.random.default_rng(1).uniform(0.0, 2.0 * math.pi, NUM_WAVES)
    return np.cos(x @ (_directions(x.shape[2]) * speeds) + shifts)


def _neighbours(
    position: NDArray[np.float64], y: NDArray[np.float64], mask: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns mean |first| and mean |second difference| of targets in order, [B]; 0 of too few."""
    order = np.argsort(np.where(mask, position, np.inf), axis=1)
    y, counted = (np.take_along_axis(values, order, axis=1) for values in (y, mask))
    found = []
    for num in (1, 2):
        steps = np.abs(np.diff(y, n=num, axis=1))
        all_count = counted[:, num:]  # the others come last
        total = np.where(all_count, steps, 0.0).sum(axis=1)
        found.append(total / np.maximum(all_count.sum(axis=1), 1))
    return found[0], found[1]


def _mean(values: NDArray[np.float64], mask: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(mask, values, 0.0).sum(axis=1) / mask.sum(axis=1)


def _flat(values: NDArray[Any]) -> NDArray[np.float64]:
    """Returns values as [B, P, numbers of one]."""
    return values.reshape(*values.shape[:2], -1).astype(np.float64)
