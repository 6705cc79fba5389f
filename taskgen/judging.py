"""What a learner says about supervised problems, and how good that is.

`Predictions` are what somebody says about the query points after each unit of adaptation. What
they are worth is told by pure functions that the learner has no part in: minus the mean squared
error where targets are numbers, accuracy where they are classes. Axes: B tasks, E units of
adaptation, Q query points, N classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.outcomes import Outcomes
from taskgen.problems import Problems

GRADIENT_STEPS = "gradient steps"
"""Unit of those who adapt by gradient: unit 0 is before the first step."""
SHOTS = "shots"
"""Unit of those who read the support set point by point: unit 0 is before the first point."""
WORST_ERROR = 1e12
"""What an error counts as that is larger, or no number at all: adaptation that diverged."""


@dataclass(frozen=True)
class Predictions:
    """What is said about the query points of B problems after each unit of adaptation.

    Args:
        values: the targets as they are believed to be, float32 [B, E, Q, *y]; where targets are
            classes, the logits of each, float32 [B, E, Q, N]. Unit 0 is before any adaptation.
        unit: what the axis E counts: `GRADIENT_STEPS`, `SHOTS`.

    Raises:
        ValueError: if the values are not float32 or lack an axis, or the unit has no name.
    """

    values: NDArray[np.float32]
    unit: str

    def __post_init__(self) -> None:
        if self.values.dtype != np.float32 or self.values.ndim < 3:
            raise ValueError(
                f"predictions must be float32 [B, E, Q, ...], "
                f"got {self.values.dtype} {self.values.shape}."
            )
        if not self.unit:
            raise ValueError("predictions must name their unit of adaptation, got ''.")


def squared_errors(values: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
    """Returns the mean squared error of each task after each unit, [B, E].

        1/Q · Σ_q 1/|y| · Σ (value − target)²

    At most `WORST_ERROR`, which is also that of values that are no numbers.

    Args:
        values: [B, E, Q, *y].
        targets: [B, Q, *y].

    Example:
        >>> squared_errors(np.array([[[[1.0], [4.0]]]]), np.array([[[1.0], [2.0]]]))
        array([[2.]])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        errors = (values.astype(np.float64) - targets[:, None]) ** 2
        means = errors.reshape(*errors.shape[:2], -1).mean(axis=2)
    return np.fmin(means, WORST_ERROR)  # the number, where the other is none


def accuracies(logits: NDArray[Any], classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns the share of query points whose class has the largest logit, [B, E], in [0, 1].

    Of n equal largest logits each is right with 1/n, so that who says nothing has 1/N exactly.
    Logits that are no numbers are wrong.

    Args:
        logits: [B, E, Q, N].
        classes: [B, Q].

    Example:
        >>> accuracies(np.array([[[[0.0, 1.0], [3.0, 3.0]]]]), np.array([[1, 0]]))
        array([[0.75]])
    """
    is_best = logits == logits.max(axis=-1, keepdims=True)
    mine = np.take_along_axis(is_best, classes[:, None, :, None], axis=-1)[..., 0]
    shares: NDArray[np.float64] = mine / np.maximum(is_best.sum(axis=-1), 1)
    return shares.mean(axis=2)


def returns_of(problems: Problems, predictions: Predictions) -> NDArray[np.float64]:
    """Returns what predictions are worth, [B, E]; higher is better.

    Accuracy where targets are classes, else minus the mean squared error.

    Raises:
        ValueError: if the predictions are not of these query points.
    """
    _require_fit(problems, predictions)
    if problems.has_classes:
        return accuracies(predictions.values, problems.query_y)
    return -squared_errors(predictions.values, problems.query_y)


def outcomes_of(problems: Problems, predictions: Predictions) -> Outcomes:
    """Returns predictions as what happened on B tasks; examples stand where env steps are.

    `lengths` counts the support points that are new in a unit: with shots one each, with gradient
    steps all of them in the first. `valid` counts every point that was used, support and query,
    so H = S + Q. A task of fewer shots than others has no unit beyond its last shot, and a batch
    none beyond its longest support set.

    Raises:
        ValueError: if the predictions are not of these query points.
    """
    returns = returns_of(problems, predictions)
    units = np.arange(returns.shape[1])
    shots = problems.num_shots[:, None]
    if predictions.unit == SHOTS:
        units = units[: 1 + shots.max()]
        returns, complete = returns[:, : len(units)], units <= shots
        lengths = (complete & (units > 0)).astype(np.int64)
    else:
        complete = np.ones(returns.shape, dtype=bool)
        lengths = np.where(units == 1, shots, 0)
    used = np.arange(problems.mask.shape[1] + problems.num_query) < shots + problems.num_query
    return Outcomes(
        returns=np.where(complete, returns, 0.0),
        lengths=lengths,
        successes=None,
        complete=complete,
        valid=used,
        unit=predictions.unit,
    )


def guessed(problems: Problems, num_classes: int | None = None) -> Predictions:
    """Returns what somebody says who does not look at the inputs, in one unit: what score 0 is.

    The mean of the support targets everywhere; where targets are classes, none before another.

    Args:
        problems: B of them.
        num_classes: N, where targets are classes.

    Example:
        >>> x, y = np.zeros((1, 2, 1), np.float32), np.array([[[1.0], [3.0]]], np.float32)
        >>> guessed(Problems(x, y, x, y, np.ones((1, 2), bool))).values.tolist()
        [[[[2.0], [2.0]]]]
    """
    num_tasks, num_query = len(problems), problems.num_query
    if num_classes is not None:
        values = np.zeros((num_tasks, 1, num_query, num_classes), np.float32)
        return Predictions(values, SHOTS)
    support_y = problems.support_y
    counts = problems.mask.reshape(problems.mask.shape + (1,) * (support_y.ndim - 2))
    means = np.where(counts, support_y, 0.0).sum(axis=1) / counts.sum(axis=1)
    everywhere = np.repeat(means[:, None, None].astype(np.float32), num_query, axis=2)
    return Predictions(everywhere, SHOTS)


def _require_fit(problems: Problems, predictions: Predictions) -> None:
    values, targets = predictions.values.shape, problems.query_y.shape
    said = (values[0], *values[2:-1]) if problems.has_classes else (values[0], *values[2:])
    if said != targets:
        last = ", N]" if problems.has_classes else ", *y]"
        raise ValueError(
            f"predictions must be [B, E, Q{last} for query targets {targets}, got {values}."
        )
