"""What scores are held against: what a random policy and the oracle earn on the same tasks.

Of problems, who guesses stands for the random policy: he looks at no input, and says the mean of
the support targets, or no class before another.

Measured once for a task set, by jobs like any other exam, so that the env steps of random play are
in the budget. The numbers stand in the commit of the generation that measured them; later commits
name that generation. A family without `oracle_return` has no references and no score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curricula import scores
from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.exams.playing import play_tasks, stand_in
from curricula.campaigns.exams.sets import Exam, exam_tasks
from curricula.campaigns.generation.nursery import Nursery
from curricula.campaigns.generation.setup import Setup
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.oracles import bayes_optimum, oracle_returns
from curricula.statistics import References, lifetime_estimate
from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator
from taskgen.outcomes import Outcomes
from taskgen.task import Task

_ID_DIGITS = 16


def monitor_references(
    setup: Setup, nursery: Nursery, store: CampaignStore, before: Mapping[str, Any] | None
) -> dict[str, dict[str, Any]]:
    """Returns the references of each monitor set as a record has them, measured where need be.

    Args:
        setup: of the campaign.
        nursery: of the generation that is about to be committed.
        store: of the commits before it.
        before: the last of them; None before the first.

    Returns:
        name of the exam → {"generation", "tasks", "random", "oracle"}, tasks by the first digits
        of their ids; {"generation", "failure"} where nothing could be measured. Nothing at all
        where the generator has no oracle.
    """
    if not setup.generator.has_oracle:
        return {}
    known = _known(store, (before or {}).get("references") or {})
    found = {}
    for exam in setup.monitors():
        entry = known.get(exam.name)
        if entry is None or _is_of_another_set(entry, setup, nursery, exam):
            entry = _measured(setup, nursery, exam)
        found[exam.name] = entry
    return found


def committed(entries: Mapping[str, Mapping[str, Any]], generation: int) -> dict[str, Any]:
    """Returns the entries for the record of a generation: what it measured, and where the rest is.

    Example:
        >>> committed({"a": {"generation": 0, "tasks": ["12"]}}, 3)
        {'a': {'generation': 0}}
    """
    return {
        name: dict(entry)
        if entry["generation"] == generation
        else {"generation": entry["generation"]}
        for name, entry in entries.items()
    }


def references_of(entry: Mapping[str, Any] | None) -> References | None:
    """Returns the references of a record's entry, None where it has no numbers."""
    if entry is None or "oracle" not in entry:
        return None
    return References(_array(entry["random"]), _array(entry["oracle"]))


def exam_references(nursery: Nursery, exams: Sequence[Exam]) -> References | None:
    """Returns the references of all tasks of some exams; None where they could not be measured.

    Random play is spared where the oracle knows nothing.

    Args:
        nursery: has them measured, and counts the env steps.
        exams: of the learner.
    """
    oracle = _sat(nursery, exams, "oracle")
    if oracle is None or not any(outcomes.complete.any() for outcomes in oracle):
        return None
    random = _sat(nursery, exams, "random")
    if random is None:
        return None
    return References(
        np.concatenate([scores.mean_return(outcomes) for outcomes in random]),
        np.concatenate([scores.last_return(outcomes) for outcomes in oracle]),
    )


def task_references(
    config: CampaignConfig, generator: TaskGenerator, tasks: Sequence[Task], play_seed: int
) -> tuple[References | None, int]:
    """Returns the references of tasks from elsewhere, and the env steps of random play.

    Args:
        config: of the campaign.
        generator: of the tasks.
        tasks: any number of them.
        play_seed: decides all that is random in it.
    """
    oracle = oracle_returns(generator, tasks)
    if not np.isfinite(oracle).any():
        return None, 0
    try:
        player = stand_in(generator)
    except TypeError:  # actions that nobody can draw uniformly
        return None, 0
    curve = play_tasks(tasks, config, generator, player, play_seed)
    return References(scores.mean_return(curve.outcomes), oracle), curve.num_env_steps


def against_bayes(
    setup: Setup, distribution: TaskDistribution, outcomes: Outcomes, rng: np.random.Generator
) -> dict[str, Any] | None:
    """Returns what lifetimes earned beside the Bayes optimum, None where that is not known.

    Args:
        setup: of the campaign.
        distribution: that the tasks were drawn from.
        outcomes: of the learner on them.
        rng: of the interval.

    Returns:
        {"bayes_return": float, "lifetime_return": [estimate, low, high]}, both of all the
        episodes of a lifetime together.
    """
    optimum = bayes_optimum(setup.generator, distribution, setup.config.lifetime.num_episodes)
    if optimum is None:
        return None
    return {"bayes_return": optimum, "lifetime_return": lifetime_estimate(outcomes, rng)}


def _known(
    store: CampaignStore, entries: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Returns the entries with their numbers; one whose commit cannot be read is left out."""
    commits = {g: store.record(g) for g in {entry["generation"] for entry in entries.values()}}
    found = {}
    for name, entry in entries.items():
        record = commits[entry["generation"]]
        if record is not None and name in (record.get("references") or {}):
            found[name] = record["references"][name]
    return found


def _is_of_another_set(
    entry: Mapping[str, Any], setup: Setup, nursery: Nursery, exam: Exam
) -> bool:
    """Whether an exam has other tasks by now: those in quarantine were replaced."""
    if not nursery.quarantine or "tasks" not in entry:
        return False
    return _short_ids(setup, nursery, exam) != entry["tasks"]


def _short_ids(setup: Setup, nursery: Nursery, exam: Exam) -> list[str]:
    tasks = exam_tasks(exam, setup.config, setup.generator, nursery.quarantine)
    return [task_id[:_ID_DIGITS] for task_id in tasks.ids]


def _sat(
    nursery: Nursery, exams: Sequence[Exam], player: Literal["random", "oracle"]
) -> list[Outcomes] | None:
    """Returns what another player made of the learner's exams, None if a job failed."""
    branch = nursery.spare_branch("references")
    theirs = [replace(exam, name=f"{exam.name}-{player}", player=player) for exam in exams]
    nursery.examine([branch], theirs)
    return None if branch.failure else [branch.exams[exam.name] for exam in theirs]


def _measured(setup: Setup, nursery: Nursery, exam: Exam) -> dict[str, Any]:
    found = exam_references(nursery, [exam])
    if found is None:
        return {"generation": nursery.generation, "failure": "oracle or random play gave nothing"}
    return {
        "generation": nursery.generation,
        "tasks": _short_ids(setup, nursery, exam),
        "random": _list(found.random),
        "oracle": _list(found.oracle),
    }


def _list(values: NDArray[np.float64]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _array(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
