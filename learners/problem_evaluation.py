"""How well a learner adapts to supervised problems, measured from outside.

`evaluate_problems` shows the learner support sets, asks it about query points after each unit of
adaptation, and judges the answers itself (`taskgen.judging`). It leaves the learner as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gymnasium.spaces import Box, Discrete

from learners.evaluation import AdaptationCurve, ids_of
from taskgen.generator import ProblemGenerator
from taskgen.guarded import GuardedProblems, without_failed
from taskgen.judging import Predictions, guessed, outcomes_of
from taskgen.outcomes import concatenate
from taskgen.problems import Problems
from taskgen.randomness import task_keys
from taskgen.task import Task

CHUNK = 256
"""How many tasks are adapted to at once, at most."""


class Solver(Protocol):
    """Whoever can be examined on problems: a learner, or what answers without learning."""

    def predict(self, problems: Problems) -> Predictions:
        """Returns what is said about the query points after each unit of adaptation."""


class Guesser:
    """Answers without looking at the inputs, as `taskgen.judging.guessed`: what score 0 is.

    Args:
        target_space: of one target.
    """

    def __init__(self, target_space: Box | Discrete) -> None:
        self._num_classes = int(target_space.n) if isinstance(target_space, Discrete) else None

    def predict(self, problems: Problems) -> Predictions:
        """Returns the mean of the support targets, or no class before another."""
        return guessed(problems, self._num_classes)


def evaluate_problems(
    learner: Solver,
    generator: ProblemGenerator,
    tasks: Sequence[Task],
    *,
    seed: int,
    chunk: int = CHUNK,
) -> AdaptationCurve:
    """Adapts to one support set of each task, and judges on its query set after every unit.

    Args:
        learner: read, not changed; anything that predicts.
        generator: makes the sets; one that is guarded says which tasks have none.
        tasks: N tasks.
        seed: of the sets, keyed by task: the same task has the same sets in any batch and order.
            (What is predicted from them may differ by the last bits of matrix products.)
        chunk: tasks that are adapted to at once, at most; a question of memory.

    Returns:
        The curve; its axis E counts what the learner's predictions say. Examples (support and
        query points) are counted where environments count env steps.
    """
    parts = []
    task_ids: list[str] = []
    failures: dict[str, str] = {}
    for start in range(0, len(tasks), chunk):
        some = tasks[start : start + chunk]
        ids = ids_of(some)
        problems = generator.make_keyed_problems(some, task_keys(seed, ids))
        outcomes = outcomes_of(problems, learner.predict(problems))
        if isinstance(generator, GuardedProblems):
            outcomes = without_failed(outcomes, some, generator)
            failures |= generator.failures  # which the next chunk empties
        parts.append(outcomes)
        task_ids += ids
    return AdaptationCurve(tuple(task_ids), concatenate(parts), failures)
