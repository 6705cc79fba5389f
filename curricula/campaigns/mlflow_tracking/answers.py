"""What a commit's learner says about the problems that it trains on, as pictures.

A picture of a problem shows the support set, the query set, and the answers before adaptation and
after it. The learner is that of the commit's checkpoint, as far as it is still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curricula.campaigns.generation.branch import restore
from curricula.campaigns.sight.task_pictures import PATIENCE_S
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.campaigns.store.records import Record
from taskgen.generator import ProblemGenerator
from taskgen.judging import returns_of
from taskgen.randomness import task_keys
from taskgen.task import Task
from taskgen.watchdog import time_limit

Pictures = list[NDArray[np.uint8]]


def answer_pictures(
    folder: Path, record: Record, generator: ProblemGenerator, tasks: Sequence[Task]
) -> tuple[Pictures, list[str]]:
    """Returns a picture of each problem with its answers, and what they are worth in words.

    Args:
        folder: of the campaign.
        record: the commit.
        generator: of the tasks.
        tasks: some of them.

    Raises:
        Exception: whatever a checkpoint that is gone or a plug-in comes up with.
    """
    store = CampaignStore(folder)
    learner, _ = restore(store.config(), generator, store.state(dict(record)))
    with time_limit(PATIENCE_S):
        keys = task_keys(record["generation"], [task.id for task in tasks])
        problems = generator.make_shown_problems(tasks, keys)
        predictions = learner.predict(problems)
        drawn = []
        for i, task in enumerate(tasks):
            mine = type(predictions)(predictions.values[i : i + 1], predictions.unit)
            picture = generator.render_answers(task, problems.select([i]), mine)
            drawn.append(np.asarray(picture, dtype=np.uint8))
    worth = returns_of(problems, predictions)
    return drawn, [_worth(row, problems.has_classes) for row in worth[:, [0, -1]].tolist()]


def _worth(ends: Sequence[float], has_classes: bool) -> str:
    """Returns what answers are worth before and after, in words.

    Example:
        >>> _worth([-4.25, -0.381], False), _worth([0.2, 0.954], True)
        ('error 4.2 to 0.38', 'accuracy 20 % to 95 %')
    """
    before, after = ends
    if has_classes:
        return f"accuracy {100 * before:.0f} % to {100 * after:.0f} %"
    return f"error {-before:.2g} to {-after:.2g}"
