"""Quality diversity: an archive of different tasks that are worth learning, grown by edits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curricula.archive import TaskArchive
from curricula.curriculum import Asked, Curriculum, HeatMap, Proposal
from curricula.scouting import share_of
from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator
from taskgen.source import TaskSource
from taskgen.task import Task
from taskgen.watchdog import answers

_TASK_S, _BATCH_S = 20.0, 120.0
"""How long a generator may describe one task and all; the first one, which may compile, as all."""
_NUM_TELLING = 12
"""How many tasks are looked at, at least, before descriptors are chosen."""


class QualityDiversity(Curriculum):
    """Plays elites of an archive, edits of them, and new tasks; keeps what is learnable and new.

    The archive is a grid over two descriptors of the family (or parameters), and has in each cell
    the most learnable task that was played there. Any of its tasks may be edited, whatever its
    score, so that cells fill up step by step; they are played again in proportion to it. Tasks
    outside of the current distribution stay in the archive and are neither played nor edited.

    Descriptors that are parameters cost nothing; features are what the generator measures, which
    takes time for each task that is worth anything.

    Source:
        Mouret and Clune 2015, "Illuminating search spaces by mapping elites" (arXiv 1504.04909),
        in the archive of pyribs (Tjanaka et al. 2023, arXiv 2303.00191). There a score is fixed;
        here it changes with the learner, so an elite that is played again has its newest one, and
        leaves when it has nothing to teach any more.
    """

    @dataclass(frozen=True)
    class Config:
        """Settings.

        Args:
            descriptors: two features of the generator's tasks, or parameters; none: the two that
                have most different values among the first tasks that are worth anything.
            num_cells: of the archive along each of them.
            replay_share: share of a batch that are elites, in [0, 1].
            edit_share: share of a batch that are edits of elites, in [0, 1].
            score: what an elite is the best by.

        Raises:
            ValueError: if a setting is out of its range.
        """

        descriptors: tuple[str, ...] = ()
        num_cells: tuple[int, int] = (16, 16)
        replay_share: float = 0.25
        edit_share: float = 0.5
        score: Literal["learnability", "adaptation_gain", "positive_value_loss"] = "learnability"

        def __post_init__(self) -> None:
            if len(self.descriptors) not in (0, 2) or len(set(self.descriptors)) == 1:
                raise ValueError(f"descriptors must be two names or none, got {self.descriptors}.")
            if min(self.num_cells) < 1 or len(self.num_cells) != 2:
                raise ValueError(f"num_cells must be two numbers from 1 on, got {self.num_cells}.")
            for name in ("replay_share", "edit_share"):
                if not 0.0 <= getattr(self, name) <= 1.0:
                    raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}.")
            if self.replay_share + self.edit_share > 1.0:
                raise ValueError(
                    f"edit_share must leave room beside replay_share, got {self.edit_share} and "
                    f"{self.replay_share}, together more than 1."
                )

    def __init__(self, config: Config) -> None:
        self.config = config
        self.score = config.score
        self._archive = TaskArchive(config.num_cells)
        self._asked = Asked()
        self._descriptors = list(config.descriptors)
        self._told: list[tuple[Task, float]] = []

    def ask(
        self,
        source: TaskSource,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
    ) -> list[Proposal]:
        """Returns n tasks: elites, edits of elites, and new ones.

        Raises:
            ValueError: if tasks of this family lack a descriptor, or there are no two to choose.
        """
        self._take_in(source.generator)
        here = [
            i
            for i, task in enumerate(self._archive.tasks)
            if distribution.contains(task.params) and task.id not in source.quarantine
        ]
        replayed = self._replayed(here, share_of(n, self.config.replay_share, rng), rng)
        num_edits = share_of(n, self.config.edit_share, rng) if here else 0
        parents = rng.choice(here, num_edits).tolist() if num_edits else []
        edited = source.mutate_tasks([self._archive.tasks[i] for i in parents], 1, rng)
        inside = [task for task in edited if task and distribution.contains(task.params)]
        new = source.make(distribution, n - len(replayed) - len(inside), rng)
        return self._asked.remember(
            [
                *(Proposal(task, "replay") for task in replayed),
                *(Proposal(task, "edit") for task in inside),
                *(Proposal(task) for task in new),
            ]
        )

    def tell(self, proposals: Sequence[Proposal], scores: NDArray[np.float64]) -> None:
        """Takes the scores; the archive takes the tasks in with the next `ask`."""
        self._asked.settle(proposals)
        for proposal, score in zip(proposals, scores.tolist(), strict=True):
            if math.isfinite(score):
                self._told.append((proposal.task, score))

    def metrics(self) -> dict[str, float]:
        """Returns how many cells are taken, what share of all, and their mean and summed score."""
        scores = self._archive.scores
        return {
            "curriculum/num_elites": float(len(scores)),
            "curriculum/coverage": len(scores) / math.prod(self.config.num_cells),
            "curriculum/mean_elite_score": float(scores.mean()) if len(scores) else math.nan,
            "curriculum/qd_score": float(scores.sum()),
        }

    def heat_maps(self) -> dict[str, HeatMap]:
        """Returns the archive: the elites' scores over the two descriptors."""
        if not self._archive.tasks:
            return {}
        return {"archive": self._archive.heat_map(self._descriptors, self.config.score)}

    def state_dict(self) -> dict[str, Any]:
        """Returns the archive, its descriptors, and what it did not take in yet."""
        return {
            "archive": self._archive.state_dict(),
            "descriptors": list(self._descriptors),
            "told": [[task.to_json(), score] for task, score in self._told],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back."""
        self._archive.load_state_dict(state["archive"])
        self._descriptors = list(state["descriptors"])
        self._told = [(Task.from_json(task), score) for task, score in state["told"]]

    def _replayed(self, here: Sequence[int], num: int, rng: np.random.Generator) -> list[Task]:
        """Returns elites in proportion to their scores, none twice."""
        worth = np.maximum(self._archive.scores[list(here)], 0.0)
        num = min(num, int((worth > 0.0).sum()))
        if not num:
            return []
        chosen = rng.choice(len(here), num, replace=False, p=worth / worth.sum())
        return [self._archive.tasks[here[i]] for i in chosen.tolist()]

    def _take_in(self, generator: TaskGenerator) -> None:
        """Puts what was told into the archive; a task that cannot be described is left out."""
        known = {task.id for task in self._archive.tasks}
        told = [(task, score) for task, score in self._told if score > 0.0 or task.id in known]
        if not self._descriptors and len(told) < _NUM_TELLING:
            self._told = told  # too few to see in what tasks differ
            return
        self._told = []
        if not told:
            return
        rows = self._described(generator, [task for task, _ in told])
        if not self._descriptors:
            self._descriptors = _telling(generator, rows)
        _require(generator, self._descriptors, rows)
        found = np.array([[row.get(name, np.nan) for name in self._descriptors] for row in rows])
        index = np.flatnonzero(np.isfinite(found).all(axis=1))
        scores = np.array([score for _, score in told])[index]
        self._archive.add([told[i][0] for i in index.tolist()], scores, found[index])

    def _described(self, generator: TaskGenerator, tasks: Sequence[Task]) -> list[dict[str, float]]:
        """Returns parameters of each task, and its features unless nobody asks for any."""
        rows = [_numbers(task.params) for task in tasks]
        if self._descriptors and all(set(self._descriptors) <= set(row) for row in rows):
            return rows
        features = answers(generator.describe, tasks, _TASK_S, _BATCH_S, first_s=_BATCH_S)
        return [{**(found or {}), **row} for found, row in zip(features, rows, strict=True)]


def _numbers(params: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in params.items() if not isinstance(value, str)}


def _telling(generator: TaskGenerator, rows: Sequence[Mapping[str, float]]) -> list[str]:
    """Returns the two names under which rows have most different values, the first of equals."""
    names = dict.fromkeys(name for row in rows for name in row)
    distinct = {name: len({row.get(name) for row in rows}) for name in names}
    telling = [name for name in names if distinct[name] > 1]
    if len(telling) < 2:
        raise ValueError(
            f"quality_diversity needs two descriptors in which tasks differ, and those of "
            f"{generator.name} differ in {', '.join(telling) or 'none'} here; widen the "
            f"distribution, or take another curriculum."
        )
    return sorted(telling, key=distinct.__getitem__, reverse=True)[:2]


def _require(
    generator: TaskGenerator, names: Sequence[str], rows: Sequence[Mapping[str, float]]
) -> None:
    known = dict.fromkeys(name for row in rows for name in row)
    missing = [name for name in names if known and name not in known]
    if missing:
        raise ValueError(
            f"descriptors must be features or parameters of {generator.name}, and "
            f"{', '.join(missing)} is none; there are {', '.join(known)}."
        )
