"""Generations without learning: real jobs with made-up results, so that tests script the gains."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from curricula.campaigns.exams.tally import Tally
from curricula.campaigns.generation import branch as branch_module
from curricula.campaigns.generation import forks, stream
from curricula.campaigns.generation.branch import Job, LegResult
from curricula.campaigns.generation.branches import Grown
from curricula.campaigns.generation.ledger import Ledger
from curricula.campaigns.generation.nursery import Nursery
from curricula.campaigns.generation.setup import Setup
from curricula.campaigns.sight.tracking import NullDisplay
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.search import Candidate, DistributionSearch
from taskgen.distribution import TaskDistribution
from taskgen.outcomes import Outcomes
from tests.curricula.campaigns.tiny import tiny_config

NAN = math.nan
SMALL = 1e-3
"""How far the scores of a branch scatter over tasks; the errors of its gains are half as large."""
STEPS_PER_TASK = 10


class FakeSearch(DistributionSearch):
    """Proposes sizes from a list, and remembers what it is told."""

    def __init__(self, sizes):
        super().__init__(None)
        self.sizes = sizes
        self.told = []

    def ask(self, incumbent, movable, num_candidates, *, generation, seed):
        moves = []
        for size in self.sizes[:num_candidates]:
            place = TaskDistribution.make(incumbent.space, {"size": size})
            regions = {**incumbent.regions, "size": place.regions["size"]}
            moves.append(Candidate(replace(incumbent, regions=regions), "move", {"size.shift": 1}))
        return moves

    def tell(self, candidates, gains):
        self.told += [(c.origin, g.value, g.pruned) for c, g in zip(candidates, gains, strict=True)]

    def state_dict(self):
        return {}


class ScriptedExecutor:
    """Stages what a script says instead of doing jobs.

    Args:
        score: (branch, leg, exam) → mean score of its lifetimes; legs count from 1, 0 is the start.
        failed: why every job failed; None: none did.
        tally: fields of every leg's tally beyond the steps.
    """

    def __init__(
        self, score: Callable[[str, int, str], float], failed: str | None = None, **tally: Any
    ) -> None:
        self.jobs: list[Job] = []
        self._score = score
        self._failed = failed
        self._tally = tally
        self._legs: Counter[str] = Counter()

    def run(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self.jobs.append(job)
            trains = job.env_steps > 0
            self._legs[job.branch] += trains
            leg = self._legs[job.branch]
            exams = {
                exam.name: outcomes(self._score(job.branch, leg, exam.name), exam.num_tasks, leg)
                for exam in job.exams
            }
            tally = Tally(
                train_env_steps=job.env_steps,
                evaluation_env_steps=STEPS_PER_TASK * sum(e.num_tasks for e in job.exams),
                gradient_updates=int(trains),
                num_tasks=4 * trains,
                **self._tally,
            )
            state = {"branch": job.branch, "leg": leg} if trains else None
            result = LegResult(job.digest, state, exams, tally, failed=self._failed)
            branch_module.stage(Path(job.out), result)

    def close(self) -> None:
        """There is nothing to end."""

    def trained(self, branch: str) -> list[Job]:
        """Returns the jobs in which a branch trained."""
        return [job for job in self.jobs if job.branch == branch and job.env_steps]


def outcomes(score: float, num_tasks: int, leg: int) -> Outcomes:
    """Returns lifetimes of one episode whose mean return is the score; NaN: none was ended."""
    scatter = SMALL * np.where(np.arange(num_tasks) % 2, 1.0, -1.0) * (leg > 0)
    complete = np.full((num_tasks, 1), math.isfinite(score))
    returns = np.where(complete, score + scatter[:, None], 0.0)
    return Outcomes(
        returns=returns,
        lengths=np.full((num_tasks, 1), STEPS_PER_TASK),
        successes=returns > 0.5,
        complete=complete,
        valid=np.ones((num_tasks, STEPS_PER_TASK), dtype=bool),
    )


@dataclass
class Scene:
    """A generation that was played, and all who took part."""

    setup: Setup
    nursery: Nursery
    executor: ScriptedExecutor
    ledger: Ledger
    grown: Grown

    @property
    def names(self) -> list[str]:
        return [branch.name for branch in self.grown.branches]

    @property
    def decision(self) -> tuple[int | None, str]:
        return self.grown.decision["winner"], self.grown.decision["decided_by"]

    @property
    def size(self) -> tuple[int, int]:
        """The sizes of the next incumbent."""
        region = self.grown.incumbent.regions["size"]
        return region.low, region.high

    def branch(self, name: str) -> Any:
        return self.grown.branches[self.names.index(name)]


def make_setup(sizes=([5, 9], [7, 7]), **changes: Any) -> Setup:
    """Returns the tiny campaign's setup with a search that proposes these sizes."""
    quiet = {"movable": ["size"], "tracking": {"num_pictures": 0}}
    setup = Setup(tiny_config(**{**quiet, **changes}))
    setup.search = FakeSearch(sizes)
    return setup


def make_record(generation: int, **changes: Any) -> dict[str, Any]:
    """Returns as much of a commit as a generation looks at."""
    return {
        "generation": generation,
        "totals": {"env_steps": 0, "seconds": 0.0},
        "noise_history": [],
        "gain_history": [],
        "quarantine": {},
        **changes,
    }


def play(
    folder: Path,
    score: Callable[[str, int, str], float],
    *,
    setup: Setup | None = None,
    record: dict[str, Any] | None = None,
    **tally: Any,
) -> Scene:
    """Plays the generation after a record, forks or stream as configured."""
    setup = setup or make_setup()
    record = record or make_record(0)
    executor = ScriptedExecutor(score, **tally)
    nursery = make_nursery(setup, folder, executor, record["generation"] + 1)
    ledger = Ledger(setup, record)
    run = forks.run if setup.config.generation.num_candidates else stream.run
    return Scene(setup, nursery, executor, ledger, run(setup, nursery, ledger, setup.start))


def make_nursery(setup: Setup, folder: Path, executor: Any, generation: int) -> Nursery:
    """Returns the nursery of a generation that forks a commit which is only named."""
    start = (str(folder / "start.pt"), "digest of the start")
    store = CampaignStore(folder)
    return Nursery(setup.config, store, executor, NullDisplay(), generation, start, setup.start, ())


def script(gains: dict[str, float], **exams: dict[str, float]) -> Callable[[str, int, str], float]:
    """Returns a score by branch, the same in every leg; an exam named apart has its own.

    Branches that no one names gain nothing; the start has the score 0. What lies at the ends is
    solved unless it is said otherwise.
    """
    scores = {"boundaries": 1.0, **gains}

    def score(branch: str, leg: int, exam: str) -> float:
        return exams.get(exam, scores).get(branch, 0.0)

    return score
