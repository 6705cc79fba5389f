"""What the best possible policy would earn, as far as a generator knows it.

Two references, kept apart: the oracle knows the task, the Bayes optimum only the distribution it
came from. Both are asked of foreign code: what raises, or hangs, costs its number and no more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator
from taskgen.outcomes import Outcomes
from taskgen.task import Task
from taskgen.watchdog import answers

TASK_S = 20.0
"""How long a generator may search for the best return of one task, in seconds."""
SET_S = 120.0
"""How long it may search for those of a whole set, in seconds."""


def oracle_returns(generator: TaskGenerator, tasks: Sequence[Task]) -> NDArray[np.float64]:
    """Returns the best return of one episode for someone who knows the task, [B].

    NaN where the generator does not know it, where asking raises, and from the first task on that
    takes longer than `TASK_S`, or the set longer than `SET_S`. The very first may take that long:
    what is compiled on first use is compiled then.
    """
    if not generator.has_oracle:
        return np.full(len(tasks), math.nan)
    found = answers(
        lambda task: _finite(generator.oracle_return(task)), tasks, TASK_S, SET_S, first_s=SET_S
    )
    return np.array([math.nan if value is None else value for value in found], dtype=np.float64)


def oracle_outcomes(generator: TaskGenerator, tasks: Sequence[Task]) -> Outcomes:
    """Returns the oracle's returns as what happened in one unit, complete where they are known."""
    returns = oracle_returns(generator, tasks)[:, None]
    known = np.isfinite(returns)
    return Outcomes(
        returns=np.where(known, returns, 0.0),
        lengths=np.zeros(returns.shape, dtype=np.int64),
        successes=None,
        complete=known,
        valid=np.zeros((len(returns), 0), dtype=bool),
    )


def bayes_optimum(
    generator: TaskGenerator, distribution: TaskDistribution, num_episodes: int
) -> float | None:
    """Returns the best expected return of a lifetime for someone who does not know the task.

    None where the generator does not know it exactly, where asking raises or takes longer than
    `SET_S`.

    Args:
        generator: of the tasks.
        distribution: that the tasks are drawn from, known to whoever plays.
        num_episodes: of a lifetime.
    """

    def ask(place: TaskDistribution) -> float | None:
        return _finite(generator.bayes_return(place, num_episodes))

    (found,) = answers(ask, [distribution], SET_S)
    return found


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
