"""What is known to predict a little: what a learner's error is compared with.

Each answers as a learner does, `predict(problems)`, in one unit and for all tasks at once, so that
`learners.problem_evaluation.evaluate_problems` can examine it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taskgen.judging import SHOTS, Predictions
from taskgen.problems import Problems

PENALTIES = (1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)

Floats = NDArray[np.float64]


class NoChange:
    """Says of numbers that they are all 0: of a change, that there is none.

    Example:
        >>> x, y = np.zeros((1, 2, 1), np.float32), np.array([[[1.0], [3.0]]], np.float32)
        >>> NoChange().predict(Problems(x, y, x, y, np.ones((1, 2), bool))).values.tolist()
        [[[[0.0], [0.0]]]]
    """

    def predict(self, problems: Problems) -> Predictions:
        """Returns zeros, [B, 1, Q, *y]."""
        return Predictions(np.zeros_like(problems.query_y)[:, None], SHOTS)


@dataclass(frozen=True)
class Ridge:
    """Fits a linear function to the support set of each task, and to nothing else.

        W = (XᵀX + λ·I)⁻¹ XᵀY,   X and Y without their means over the support set

    The penalty λ of each task is the one whose error on the support points, each left out once, is
    least: (y − ŷ) / (1 − h) with the leverage h, so that nothing is fitted again.

    Args:
        penalties: the values of λ that are tried, above 0.

    Source:
        Hoerl and Kennard 1970, "Ridge regression"; Allen 1974 for the error of points left out.
    """

    penalties: Sequence[float] = PENALTIES

    def predict(self, problems: Problems) -> Predictions:
        """Returns what the fitted functions say, [B, 1, Q, *y]."""
        counts = problems.mask[:, :, None].astype(np.float64)
        x, y, asked = map(_flat, (problems.support_x, problems.support_y, problems.query_x))
        mean_x, mean_y = (_mean(values, counts) for values in (x, y))
        weights = self._weights((x - mean_x) * counts, (y - mean_y) * counts, counts)
        said = (asked - mean_x) @ weights + mean_y
        shape = (len(problems), 1, *problems.query_y.shape[1:])
        return Predictions(said.reshape(shape).astype(np.float32), SHOTS)

    def _weights(self, x: Floats, y: Floats, counts: Floats) -> Floats:
        """Returns W of each task, [B, X, Y], of centred x [B, S, X] and y [B, S, Y]."""
        parts: tuple[Floats, Floats, Floats] = np.linalg.svd(x, full_matrices=False)
        left, sizes, right = parts
        turned = left.transpose(0, 2, 1) @ y  # [B, R, Y]
        least = np.full(len(x), np.inf)
        best = np.zeros_like(turned)
        for penalty in self.penalties:
            kept = (sizes**2 / (sizes**2 + penalty))[:, :, None]
            errors = _left_out(left, kept, turned, y, counts)
            better = errors < least
            least = np.where(better, errors, least)
            gains = (sizes / (sizes**2 + penalty))[:, :, None] * turned
            best = np.where(better[:, None, None], gains, best)
        return right.transpose(0, 2, 1) @ best


def _left_out(left: Floats, kept: Floats, turned: Floats, y: Floats, counts: Floats) -> Floats:
    """Returns the sum of the squared errors at points that are left out one by one, [B]."""
    fitted = left @ (kept * turned)
    leverage: Floats = (left**2 @ kept) + counts / counts.sum(axis=1, keepdims=True)
    errors: Floats = (y - fitted) / np.maximum(1.0 - leverage, 1e-9)
    total: Floats = np.square(errors * counts).sum(axis=(1, 2))
    return total


def _mean(values: Floats, counts: Floats) -> Floats:
    """Returns the mean over the points that count, [B, P, N] → [B, 1, N]."""
    total: Floats = (values * counts).sum(axis=1, keepdims=True)
    return total / counts.sum(axis=1, keepdims=True)


def _flat(values: NDArray[np.float32]) -> Floats:
    """Returns values as [B, P, numbers of one]."""
    return values.reshape(*values.shape[:2], -1).astype(np.float64)
