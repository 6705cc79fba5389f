"""Films of the sealed test: the tasks on which the learner ended best, in the middle, and worst."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from curricula.campaigns.exams.sets import Exam, exam_set
from curricula.campaigns.generation.branch import restore
from curricula.campaigns.generation.executors import using_threads
from curricula.campaigns.generation.setup import Setup
from curricula.campaigns.sight.films import film
from curricula.campaigns.store.checkpoint import CampaignStore
from taskgen.generator import EnvGenerator
from taskgen.outcomes import Outcomes

_LOG = logging.getLogger(__name__)


def film_test(
    setup: Setup,
    store: CampaignStore,
    record: dict[str, Any],
    exams: Sequence[Exam],
    outcomes: Outcomes,
) -> list[Path]:
    """Writes three films into the campaign's folder, in place of those before.

    What cannot be filmed is left out. The lifetimes are those of the test, played once more; no
    budget pays for that.

    Args:
        setup: of the campaign.
        store: where they are written, as films/best-TASK_ID.gif, …
        record: the commit whose learner was tested.
        exams: the parts of the test, as they were played.
        outcomes: what came of them.

    Returns:
        The films; none for a family that is not acted in.
    """
    config, generator = setup.config, setup.generator
    if not isinstance(generator, EnvGenerator):
        return []
    tasks = exam_set(exams[0], config, generator, sorted(record["quarantine"])).tasks
    learner, _ = restore(config, generator, store.state(record))
    shoot = partial(
        film,
        learner,
        generator,
        num_episodes=config.lifetime.num_episodes,
        seed=exams[0].play_seed,
        greedy=config.evaluation.greedy,
    )
    shutil.rmtree(store.films, ignore_errors=True)
    store.films.mkdir()
    assert config.executor.threads is not None
    with using_threads(config.executor.threads):
        for name, index in extremes(outcomes).items():
            task = tasks[index]
            try:
                shoot(task).save(store.films / f"{name}-{task.id[:8]}.gif")
            except Exception as error:  # whatever foreign code may raise: the test itself is done
                _LOG.warning("no film of task %s: %r", task.id[:12], error)
    return sorted(store.films.glob("*.gif"))


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
