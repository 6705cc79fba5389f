"""Checks of how a learner adapts to supervised problems.

Each returns "" or the reason why it fails.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.checks.subject import NUM_TASKS, Subject, fingerprint
from learners.evaluation import ids_of
from learners.learner import Learner
from learners.problem_evaluation import evaluate_problems
from taskgen.generator import ProblemGenerator
from taskgen.judging import returns_of
from taskgen.problems import Problems

_TOLERANCE = 1e-4
"""Sums of matrix products may depend on the size of a batch."""


def reports(subject: Subject) -> str:
    """Predictions fit the query points, are finite, and name their unit."""
    learner, problems = _trained(subject), _problems(subject)
    predictions = learner.predict(problems)
    returns_of(problems, predictions)  # raises where they do not fit
    if predictions.values.shape[1] < 2:
        return "there must be predictions before adaptation and after it: two units at least"
    return "" if np.isfinite(predictions.values).all() else "a prediction is not a finite number"


def is_reading(subject: Subject) -> str:
    """Predicting changes nothing of the learner's state, and is the same twice."""
    learner, problems = _trained(subject), _problems(subject)
    before = fingerprint(learner)
    once, again = (learner.predict(problems).values for _ in range(2))
    if fingerprint(learner) != before:
        return "predicting changed its state"
    return "" if np.array_equal(once, again) else "the same problems were answered otherwise"


def blind(subject: Subject) -> str:
    """Without the query targets, the same predictions."""
    problems = _problems(subject)
    others = replace(problems, query_y=np.zeros_like(problems.query_y))
    return _same(subject, problems, others, "its predictions depend on the query targets")


def ignores_padding(subject: Subject) -> str:
    """Whatever lies where the mask is False, the same predictions."""
    problems = _problems(subject)
    mask = problems.mask.copy()
    mask[: NUM_TASKS // 2, 1:] = False
    fewer = replace(problems, mask=mask)
    others = replace(
        fewer,
        support_x=_where(mask, problems.support_x, 1.0),
        support_y=_where(mask, problems.support_y, 0),
    )
    return _same(subject, fewer, others, "points that the mask leaves out change its predictions")


def inductive(subject: Subject) -> str:
    """One query point at a time, the same predictions."""
    problems = _problems(subject)
    learner = _trained(subject)
    together = learner.predict(problems).values
    one = replace(problems, query_x=problems.query_x[:, :1], query_y=problems.query_y[:, :1])
    if _alike(learner.predict(one).values, together[:, :, :1]):
        return ""
    return "its answer to a query point depends on the others"


def batch_free(subject: Subject) -> str:
    """A task is worth the same in any batch and order."""
    assert isinstance(subject.generator, ProblemGenerator)
    learner, tasks = _trained(subject), subject.tasks(5)
    judged = []
    for chunk, order in ((NUM_TASKS, range(NUM_TASKS)), (4, range(NUM_TASKS)[::-1])):
        some = tasks.select(list(order))
        curve = evaluate_problems(learner, subject.generator, some, seed=0, chunk=chunk)
        judged.append(dict(zip(ids_of(some), curve.outcomes.returns, strict=True)))
    first, second = (np.stack([found[i] for i in ids_of(tasks)]) for found in judged)
    same = first.shape == second.shape and _alike(first, second)
    return "" if same else "a task is predicted differently in another batch or order"


def _trained(subject: Subject) -> Learner:
    learner = subject.learner()
    subject.train(learner, range(1))
    return learner


def _problems(subject: Subject) -> Problems:
    assert isinstance(subject.generator, ProblemGenerator)
    return subject.generator.make_problems(subject.tasks(5), np.random.default_rng(0))


def _where(mask: NDArray[np.bool_], values: NDArray[Any], other: float) -> NDArray[Any]:
    wide = mask.reshape(mask.shape + (1,) * (values.ndim - 2))
    return np.where(wide, values, values.dtype.type(other))


def _same(subject: Subject, problems: Problems, others: Problems, reason: str) -> str:
    learner = _trained(subject)
    here, there = learner.predict(problems).values, learner.predict(others).values
    return "" if _alike(here, there) else reason


def _alike(here: NDArray[Any], there: NDArray[Any]) -> bool:
    scale = max(float(np.abs(here).max()), 1.0)
    return bool(np.allclose(here, there, rtol=_TOLERANCE, atol=_TOLERANCE * scale))
