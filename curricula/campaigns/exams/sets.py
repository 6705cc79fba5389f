"""Exams: which tasks they hold, and how those are played.

An `Exam` is data, and its tasks are the same for everyone who asks: all branches of a generation
play one set. How far sets repeat themselves or each other is counted (`ExamSet`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.exams.playing import play_tasks, stand_in
from curricula.campaigns.exams.tally import Tally
from curricula.oracles import oracle_outcomes
from learners.learner import Learner
from taskgen.distribution import TaskDistribution
from taskgen.draws import Draws
from taskgen.generator import TaskBatch, TaskGenerator
from taskgen.outcomes import Outcomes
from taskgen.source import TaskSource, TooFewTasks
from taskgen.splits import Split
from taskgen.task import canonical_json

_NUM_KEPT = 8


@dataclass(frozen=True)
class Exam:
    """A set of tasks to be played without learning from it.

    Args:
        name: what the result is filed under.
        distribution: where the tasks come from, as JSON.
        split: which side of the split they lie on.
        num_tasks: how many there are, all parts together.
        task_seed: decides the tasks.
        play_seed: decides all that is random when they are played.
        apart_from: exams whose tasks must not come again in this one, nor their twins; nor those
            of the exams that they stay apart from themselves.
        part: index and number of parts: which share of the tasks is played. All parts are slices
            of one set, so they share no task either.
        player: who plays it. "random" draws every action uniformly, and of problems guesses;
            "oracle" plays nothing and says what the generator's `oracle_return` says.
    """

    name: str
    distribution: dict[str, Any]
    split: Split
    num_tasks: int
    task_seed: int
    play_seed: int
    apart_from: tuple[Exam, ...] = ()
    part: tuple[int, int] = (0, 1)
    player: Literal["learner", "random", "oracle"] = "learner"


def exam_tasks(
    exam: Exam,
    config: CampaignConfig,
    generator: TaskGenerator,
    quarantine: Sequence[str] = (),
    tally: Tally | None = None,
) -> TaskBatch:
    """Returns the tasks of an exam, or of the part that is asked for, the same for everyone.

    No task comes twice, and none that is in an exam to stay apart from; where the family has too
    few tasks for that, what is missing repeats, so that parameters stay distributed as they should.

    Args:
        exam: what is asked for.
        config: of the campaign.
        generator: makes the tasks.
        quarantine: ids of tasks that must not be played.
        tally: counts what had to be drawn for this exam. The exams to stay apart from are counted
            where they are played.
    """
    whole = exam_set(exam, config, generator, quarantine)
    if tally is not None:
        tally.count_draws(whole.draws)
        tally.exam_sets[exam.name] = whole.to_json()
    if whole.failed is not None:
        raise whole.failed
    index, num_parts = exam.part
    return whole.tasks.select(np.array_split(np.arange(len(whole.tasks)), num_parts)[index])


@dataclass(frozen=True)
class ExamSet:
    """All tasks of an exam.

    Args:
        tasks: the tasks.
        taken: their canonical forms, and those of all sets that it stays apart from.
        draws: what had to be drawn for it.
        failed: why the set could not be made; there are no tasks then.
    """

    tasks: TaskBatch
    taken: frozenset[bytes]
    draws: Draws
    failed: TooFewTasks | None = None

    def to_json(self) -> dict[str, int]:
        """Returns how many tasks there are, and how many of them repeat some.

        "repeats" have the form of another task of the set, "repeats_apart" of one in a set that
        this one should be apart from.
        """
        return {
            "num_tasks": len(self.tasks),
            "repeats": self.draws.repeats,
            "repeats_apart": self.draws.repeats_apart,
        }


_kept: OrderedDict[tuple[Any, ...], ExamSet] = OrderedDict()
"""The sets that were made last: all branches of a generation play the same."""


def exam_set(
    exam: Exam, config: CampaignConfig, generator: TaskGenerator, quarantine: Sequence[str] = ()
) -> ExamSet:
    """Returns all tasks of an exam, whichever part is asked for; made once, then remembered."""
    data = [_deciding(exam), config.generator.model_dump(), config.splits.model_dump()]
    key = (type(generator), canonical_json(data), tuple(sorted(quarantine)))
    if key not in _kept:
        _kept[key] = _make_set(exam, config, generator, quarantine)
    _kept.move_to_end(key)
    while len(_kept) > _NUM_KEPT:
        _kept.popitem(last=False)
    return _kept[key]


def _deciding(exam: Exam) -> list[Any]:
    """Returns what the tasks of an exam depend on: not who plays them, nor how."""
    apart_from = [_deciding(other) for other in exam.apart_from]
    return [exam.distribution, exam.split, exam.num_tasks, exam.task_seed, apart_from]


def _make_set(
    exam: Exam, config: CampaignConfig, generator: TaskGenerator, quarantine: Sequence[str]
) -> ExamSet:
    others = [exam_set(other, config, generator, quarantine) for other in exam.apart_from]
    taken = frozenset[bytes]().union(*(other.taken for other in others))
    distribution = TaskDistribution.from_json(generator.space, exam.distribution)
    split = exam.split if config.splits.enabled else None
    source = TaskSource(generator, split, config.splits.salt, quarantine)
    rng = np.random.default_rng(exam.task_seed)
    try:
        tasks = source.make_distinct(distribution, exam.num_tasks, rng, taken)
    except TooFewTasks as error:
        return ExamSet(TaskBatch(generator, []), taken, source.draws, error)
    return ExamSet(tasks, taken.union(tasks.canonicals), source.draws)


def sit(
    exam: Exam,
    config: CampaignConfig,
    generator: TaskGenerator,
    learner: Learner,
    quarantine: Sequence[str],
    tally: Tally,
    *,
    watched: bool = False,
) -> Outcomes:
    """Plays the tasks of an exam, and counts what that took."""
    started = time.perf_counter()
    is_learner = exam.player == "learner"  # whose exam it is: what others play is drawn for it
    tasks = exam_tasks(exam, config, generator, quarantine, tally if is_learner else None)
    if exam.player == "oracle":
        return oracle_outcomes(generator, tasks)
    player = learner if is_learner else stand_in(generator)
    curve = play_tasks(tasks, config, generator, player, exam.play_seed, watched=watched)
    tally.count_failures(curve.failures, tasks)
    tally.evaluation_env_steps += curve.outcomes.num_env_steps
    tally.evaluate_s += time.perf_counter() - started
    return curve.outcomes
