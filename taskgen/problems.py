"""Supervised problems as arrays: what is shown to a learner, and what it is asked.

A problem is a support set to learn from and a query set to be judged on; `taskgen.judging` says
what answers are worth. Axes: B tasks, S support points (padded to the most), Q query points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Problems:
    """B supervised problems.

    Args:
        support_x: inputs, float32 [B, S, *x].
        support_y: targets, float32 [B, S, *y], or classes, int64 [B, S].
        query_x: inputs, float32 [B, Q, *x].
        query_y: targets, float32 [B, Q, *y], or classes, int64 [B, Q].
        mask: which support points count, bool [B, S]; the True ones come first, one at least.
            The others are padding: tasks of one batch may have different numbers of shots.

    Raises:
        ValueError: if a shape or a kind of number does not fit.
    """

    support_x: NDArray[np.float32]
    support_y: NDArray[Any]
    query_x: NDArray[np.float32]
    query_y: NDArray[Any]
    mask: NDArray[np.bool_]

    def __post_init__(self) -> None:
        _require_kinds(self)
        _require_shapes(self)
        if not self.mask[:, 0].all() or (self.mask[:, 1:] & ~self.mask[:, :-1]).any():
            raise ValueError(
                "the support points that count must come first, and each task needs one at least; "
                "move the padding to the end."
            )

    def __len__(self) -> int:
        return len(self.mask)

    @property
    def num_shots(self) -> NDArray[np.int64]:
        """How many support points count, [B]."""
        return self.mask.sum(axis=1)

    @property
    def num_query(self) -> int:
        """Q."""
        return self.query_x.shape[1]

    @property
    def has_classes(self) -> bool:
        """Whether the targets are classes and not numbers."""
        return self.query_y.dtype == np.int64

    def select(self, indices: NDArray[np.int64] | Sequence[int]) -> Problems:
        """Returns the problems at these indices, in this order."""
        index = np.asarray(indices, dtype=np.int64)
        return Problems(*(getattr(self, field.name)[index] for field in fields(self)))


def stacked(parts: Sequence[Problems]) -> Problems:
    """Returns the problems of all parts as one batch, padded to the most support points.

    Example:
        >>> def ones(*shape): return np.ones(shape, np.float32)
        >>> short = Problems(ones(1, 2, 1), ones(1, 2, 1), ones(1, 3, 1), ones(1, 3, 1),
        ...                  np.ones((1, 2), bool))
        >>> long = Problems(ones(1, 4, 1), ones(1, 4, 1), ones(1, 3, 1), ones(1, 3, 1),
        ...                 np.ones((1, 4), bool))
        >>> stacked([short, long]).num_shots
        array([2, 4])
    """
    if len(parts) == 1:
        return parts[0]
    width = max(part.mask.shape[1] for part in parts)
    joined = {}
    for field in fields(Problems):
        values = [getattr(part, field.name) for part in parts]
        if not field.name.startswith("query"):
            values = [_padded(value, width) for value in values]
        joined[field.name] = np.concatenate(values)
    return Problems(**joined)


def _padded(values: NDArray[Any], width: int) -> NDArray[Any]:
    short = width - values.shape[1]
    return np.pad(values, ((0, 0), (0, short)) + ((0, 0),) * (values.ndim - 2))


def _require_kinds(problems: Problems) -> None:
    kinds: dict[str, tuple[type, ...]] = {
        "support_x": (np.float32,),
        "query_x": (np.float32,),
        "mask": (np.bool_,),
    }
    for name in ("support_y", "query_y"):
        kinds[name] = (np.float32, np.int64)
    for name, allowed in kinds.items():
        if (kind := getattr(problems, name).dtype) not in allowed:
            names = " or ".join(np.dtype(one).name for one in allowed)
            raise ValueError(f"{name} must be {names}, got {kind}; convert it with astype.")
    if problems.support_y.dtype != problems.query_y.dtype:
        raise ValueError(
            f"support_y and query_y must both be numbers or both classes, "
            f"got {problems.support_y.dtype} and {problems.query_y.dtype}."
        )


def _require_shapes(problems: Problems) -> None:
    here = {field.name: getattr(problems, field.name).shape for field in fields(problems)}
    support, query = here["mask"], here["query_x"][:2]
    fits = (
        len(support) == 2
        and min(support[1], *query[1:]) >= 1
        and here["support_x"][:2] == here["support_y"][:2] == support
        and here["query_y"][:2] == query
        and query[:1] == support[:1]
        and here["support_x"][2:] == here["query_x"][2:]
        and here["support_y"][2:] == here["query_y"][2:]
        and (not problems.has_classes or len(here["query_y"]) == 2)
    )
    if not fits:
        raise ValueError(
            f"problems need support_x [B, S, *x], support_y [B, S, *y], query_x [B, Q, *x], "
            f"query_y [B, Q, *y] and mask [B, S] with S, Q >= 1 (classes have no *y), got {here}."
        )
