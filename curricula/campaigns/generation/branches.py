"""The branches of one generation, as the campaign's own process sees them, and their gains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.generation.branch import Job, LegResult, read_result
from curricula.campaigns.store.checkpoint import CampaignError
from curricula.scores import SCORES, last_success
from curricula.search import Candidate
from curricula.statistics import paired_difference
from taskgen.distribution import TaskDistribution
from taskgen.outcomes import Outcomes


class BranchFailed(CampaignError):
    """A branch failed without which a generation cannot be: the start, or "keep"."""


@dataclass
class Branch:
    """One candidate on its way through a generation.

    Args:
        name: for people and files, "keep", "move-1", "challenger", "keep-again", "merge".
        candidate: where it trains.
        training_seed: of its training; the same for all but the A/A copy of "keep".
        legs: what it has done so far.
        exams: what happened in each exam, the newest of a name.
        pruned: whether it was stopped, at the rung or by a failure.
        gain: score minus the start's score on the selection tasks, and its standard error.
        rung_gain: the same at the rung.
        failure: what its training or an exam raised; None: nothing. Its gain is NaN then.
        inherited_env_steps: training steps of the branches that it was merged from.
        start: file and digest of the state after the last leg that trained, for the next one;
            None before any did.
    """

    name: str
    candidate: Candidate
    training_seed: int
    legs: list[LegResult] = field(default_factory=list)
    exams: dict[str, Outcomes] = field(default_factory=dict)
    pruned: bool = False
    gain: float = float("nan")
    gain_se: float = float("nan")
    rung_gain: float | None = None
    failure: str | None = None
    inherited_env_steps: int = 0
    start: tuple[str, str] | None = None

    @property
    def env_steps(self) -> int:
        """Training steps so far, of all branches that are in it."""
        own = sum(leg.tally.train_env_steps for leg in self.legs)
        return self.inherited_env_steps + own

    @property
    def state(self) -> dict[str, Any] | None:
        """Learner and curriculum after the last leg that trained; None before any did."""
        trained = [leg.state for leg in self.legs if leg.state is not None]
        return trained[-1] if trained else None

    def finish_leg(self, job: Job) -> None:
        """Takes the staged result of a job in.

        Raises:
            RuntimeError: if there is none, though the executor returned.
            BranchFailed: if the job failed and the branch is "keep", its copy or the start.
        """
        result = read_result(job)
        if result is None:
            raise RuntimeError(f"branch {self.name}: {job.out} holds no result of its job.")
        self.legs.append(result)
        if result.failed is not None:
            self._fail(job, result.failed)
            return
        self.exams |= result.exams
        if job.env_steps:
            self.start = (job.out, job.digest)

    def _fail(self, job: Job, reason: str) -> None:
        """Stops the branch; one that cannot be spared is tried again when resumed."""
        self.failure, self.pruned = reason, True
        self.gain = self.gain_se = float("nan")
        if self.candidate.origin == "keep":
            Path(job.out).unlink()
            raise BranchFailed(
                f"branch {self.name} failed, and no generation can do without it: {reason}"
            )


HISTORY = 100
"""How many gains a record remembers."""
NUM_NOISE = 5
"""How many A/A differences: while learning slows down, so does the noise of a gain."""


@dataclass(frozen=True)
class Grown:
    """What a generation came to.

    Args:
        branch: the one that goes on.
        incumbent: the distribution that the next generation starts from.
        branches: all that were tried, in order.
        decision: which goes on and why, as the record has it.
        noise_history: differences of the last A/A pairs.
        gain_history: gains of the last branches that went on.
        search_s: seconds spent asking and telling.
        search_asked: whether the search had a part in it; else its numbers are of an earlier one.
        search_rest: of a stream's search, as the record has it; {}: it does not rest.
    """

    branch: Branch
    incumbent: TaskDistribution
    branches: list[Branch]
    decision: dict[str, Any]
    noise_history: list[float]
    gain_history: list[float]
    search_s: float
    search_asked: bool = True
    search_rest: dict[str, int] = field(default_factory=dict)


def lifetime_scores(config: CampaignConfig, outcomes: Outcomes) -> NDArray[np.float64]:
    """Returns the score of each lifetime by which the campaign decides, [B]; NaN: not played."""
    return SCORES[config.evaluation.score](outcomes)


def probe_scores(config: CampaignConfig, outcomes: Outcomes) -> list[float]:
    """Returns what a search is told of its probes, [B]: success where it has a meaning."""
    if outcomes.successes is None:
        return [float(score) for score in lifetime_scores(config, outcomes)]
    return [float(score) for score in last_success(outcomes)]


def measure_gains(
    branches: Sequence[Branch], score: Callable[[Outcomes], NDArray[np.float64]], start: Outcomes
) -> None:
    """Writes each branch's gain on the selection tasks; what failed keeps none."""
    for branch in branches:
        if branch.failure is not None:
            continue
        gain = paired_difference(score(branch.exams["selection"]), score(start))
        branch.gain, branch.gain_se = gain.value, gain.se
