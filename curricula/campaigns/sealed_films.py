"""Films of the sealed test: the tasks on which the learner ended best, in the middle, and worst."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from curricula.campaigns.branch import restore
from curricula.campaigns.checkpoint import CampaignStore
from curricula.campaigns.exams import Exam, exam_set
from curricula.campaigns.films import film
from curricula.campaigns.records import Record
from curricula.campaigns.setup import Setup
from taskgen.generator import EnvGenerator
from taskgen.outcomes import Outcomes
from taskgen.task import Task

FOLDER = "films"
_LOG = logging.getLogger(__name__)


def film_test(
    setup: Setup, store: CampaignStore, record: Record, exams: Sequence[Exam], outcomes: Outcomes
) -> dict[str, str]:
    """Writes three films into the campaign's folder; what cannot be filmed is left out.

    Args:
        setup: of the campaign.
        store: where they are written, as films/best.gif, …
        record: the commit whose learner was tested.
        exams: the parts of the test, as they were played.
        outcomes: what came of them.

    Returns:
        The tasks' ids by the films' names; none for a family that is not acted in.
    """
    config, generator = setup.config, setup.generator
    if not isinstance(generator, EnvGenerator):
        return {}
    tasks = exam_set(exams[0], config, generator, sorted(record["quarantine"])).tasks
    learner, _ = restore(config, generator, store.state(record))
    (store.folder / FOLDER).mkdir(exist_ok=True)
    filmed = {}
    for name, index in extremes(outcomes).items():
        task: Task = tasks[index]
        path = store.folder / FOLDER / f"{name}.gif"
        path.unlink(missing_ok=True)
        try:
            made = film(
                learner,
                generator,
                task,
                num_episodes=config.lifetime.num_episodes,
                seed=exams[0].play_seed,
                greedy=config.evaluation.greedy,
            )
            made.save(path)
        except Exception as error:  # whatever foreign code may raise: the test itself is done
            _LOG.warning("no film of task %s: %r", task.id[:12], error)
            continue
        filmed[name] = task.id
    return filmed


def extremes(outcomes: Outcomes) -> dict[str, int]:
    """Returns which of N tasks ended with the highest, the median and the lowest return.

    Only lifetimes that were played to their end count; there may be none.

    Example:
        >>> returns = np.array([[0.0, 3.0], [0.0, 1.0], [0.0, 9.0], [0.0, 2.0]])
        >>> done = np.array([[True, True]] * 3 + [[True, False]])
        >>> extremes(Outcomes(returns, done.astype(int), None, done, done))
        {'best': 2, 'median': 0, 'worst': 1}
    """
    complete = np.flatnonzero(outcomes.complete[:, -1])
    if not len(complete):
        return {}
    order = complete[np.argsort(outcomes.returns[complete, -1], kind="stable")]
    return {
        "best": int(order[-1]),
        "median": int(order[len(order) // 2]),
        "worst": int(order[0]),
    }
