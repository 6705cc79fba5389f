"""Lifetimes that a campaign's learner plays to be looked at, drawn with what was done in them.

They are of validation tasks, drawn for this alone: nothing is decided by them, no budget pays for
them, and the test stays sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.campaigns.exams.playing import vector_env
from curricula.campaigns.generation.branch import restore
from curricula.campaigns.generation.executors import using_threads
from curricula.campaigns.generation.setup import Setup
from curricula.campaigns.store.checkpoint import CampaignError, CampaignStore
from learners.evaluation import evaluate
from taskgen.generator import EnvGenerator
from taskgen.recording import Episode, Recorder
from taskgen.source import TaskSource
from taskgen.task import Task
from taskgen.vector import Lifetime


@dataclass(frozen=True)
class PlayedLifetime:
    """One lifetime as it was played.

    Args:
        task: that was played.
        episodes: of the lifetime, first to last.
        picture: of both, [height, width, 3].
    """

    task: Task
    episodes: Sequence[Episode]
    picture: NDArray[np.uint8]


def played_lifetimes(
    setup: Setup, store: CampaignStore, record: dict[str, Any], num_tasks: int, seed: int
) -> list[PlayedLifetime]:
    """Plays validation tasks of the target (open-ended: of the frontier) with a commit's learner.

    Args:
        setup: of the campaign.
        store: of its commits.
        record: the commit.
        num_tasks: how many lifetimes; one that fails is left out.
        seed: decides the tasks, and all that is random in play.

    Raises:
        CampaignError: if the campaign's generator draws no lifetimes.
        taskgen.source.TooFewTasks: if there are not enough tasks.
    """
    generator = setup.generator
    if not isinstance(generator, EnvGenerator) or not generator.draws_lifetimes:
        raise CampaignError(
            f"{generator.name} draws no picture of a whole lifetime; `taskgen film` shows its "
            f"first and last episode."
        )
    tasks = validation_tasks(setup, record, num_tasks, seed)
    found = []
    for task, episodes in zip(tasks, _played(setup, store, record, tasks, seed), strict=True):
        picture = generator.render_lifetime(task, episodes) if episodes else None
        if picture is not None:
            found.append(PlayedLifetime(task, episodes, picture))
    return found


def validation_tasks(setup: Setup, record: dict[str, Any], num_tasks: int, seed: int) -> list[Task]:
    """Returns tasks like those that branches are compared on, drawn to be looked at."""
    splits = setup.config.splits
    source = TaskSource(
        setup.generator,
        "validation" if splits.enabled else None,
        splits.salt,
        record["quarantine"],
    )
    place = setup.frontier(setup.distribution(record["incumbent"]))
    return list(source.make_distinct(place, num_tasks, np.random.default_rng(seed)))


def _played(
    setup: Setup, store: CampaignStore, record: dict[str, Any], tasks: Sequence[Task], seed: int
) -> list[list[Episode]]:
    """Returns the episodes of each task; none of one that failed."""
    config, num_episodes = setup.config, setup.config.lifetime.num_episodes
    assert config.executor.threads is not None
    assert isinstance(setup.generator, EnvGenerator)
    lifetime = Lifetime(num_episodes=num_episodes)
    inside = vector_env(setup.generator, len(tasks), lifetime, config)
    with using_threads(config.executor.threads), closing(Recorder(inside)) as recorder:
        learner, _ = restore(config, setup.generator, store.state(record))
        greedy = config.evaluation.greedy
        curve = evaluate(
            learner, recorder, tasks, num_episodes=num_episodes, seed=seed, greedy=greedy
        )
        return [
            [] if task.id in curve.failures else recorder.episodes(slot)
            for slot, task in enumerate(tasks)
        ]
