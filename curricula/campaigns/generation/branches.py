"""The branches of one generation, as the campaign's own process sees them.

A `Nursery` turns candidates into jobs, has them done, and hands back branches with their scores.
It knows how long a branch trains and what it is examined on, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.exams.sets import Exam
from curricula.campaigns.exams.tally import Tally
from curricula.campaigns.generation.branch import (
    Job,
    LegResult,
    read_result,
    read_staged,
    stage,
)
from curricula.campaigns.generation.executors import Executor
from curricula.campaigns.generation.seeding import seed_for
from curricula.campaigns.sight.tracking import Display
from curricula.campaigns.store.checkpoint import CampaignError, CampaignStore
from curricula.scores import SCORES, last_success
from curricula.search import Candidate
from curricula.statistics import paired_difference
from taskgen.distribution import TaskDistribution
from taskgen.outcomes import Outcomes
from taskgen.splits import Split


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


class Nursery:
    """Grows the branches of one generation from one checkpoint.

    Args:
        config: the resolved configuration.
        store: where results are staged.
        executor: where jobs run.
        display: hears which branches run.
        generation: its number.
        start: file and digest of the state that every branch forks.
        incumbent: the distribution that it was trained on last.
        quarantine: ids of tasks that must not be played.
    """

    def __init__(
        self,
        config: CampaignConfig,
        store: CampaignStore,
        executor: Executor,
        display: Display,
        generation: int,
        start: tuple[str, str],
        incumbent: TaskDistribution,
        quarantine: Iterable[str],
    ) -> None:
        self.config = config
        self.generation = generation
        self.start = start
        self._incumbent = incumbent
        self.tallies: list[Tally] = []
        self._store = store
        self._executor = executor
        self._display = display
        self._quarantine = tuple(sorted(quarantine))
        self._config_json = config.model_dump(mode="json")

    def train(
        self,
        branches: Sequence[Branch],
        env_steps: int,
        exam: Exam,
        examine_only: Sequence[Branch] = (),
    ) -> None:
        """Trains branches for so many steps more and examines them.

        Args:
            branches: what trains.
            env_steps: how long each.
            exam: what they play afterwards.
            examine_only: what plays the exam as it is, meanwhile.
        """
        self._display.phase(self.generation, "train", {b.name: env_steps for b in branches})
        work = [(branch, env_steps, exam) for branch in branches]
        self._run([*work, *((branch, 0, exam) for branch in examine_only)])

    def examine(self, branches: Sequence[Branch], exams: Sequence[Exam]) -> None:
        """Examines branches as they are, each in every exam."""
        # A test is of the commit that this generation would go on from.
        generation = self.generation - any(exam.split == "test" for exam in exams)
        self._display.phase(generation, _played(exams), {b.name: 0 for b in branches})
        self._run([(branch, 0, exam) for branch in branches for exam in exams])

    @property
    def seen(self) -> list[int]:
        """Digests of the tasks that any branch trained on."""
        return [digest for tally in self.tallies for digest in tally.seen]

    def plays(self, grown: Grown) -> list[tuple[str, list[str]]]:
        """Returns what was played on the way to what goes on, a branch's name and lines a leg.

        Where that trained nowhere itself (a merge, a return to the start): of every branch.
        """
        trained = [
            branch for branch in (grown.branch,) if any(leg.tally.plays for leg in branch.legs)
        ]
        return [
            (branch.name, leg.tally.plays)
            for branch in trained or grown.branches
            for leg in branch.legs
        ]

    @property
    def lineage(self) -> list[str]:
        """Lines of the tasks that any branch played for the first time, parents first."""
        return [line for tally in self.tallies for line in tally.lineage]

    def graft(
        self,
        branch: Branch,
        digest: str,
        make_state: Callable[[], dict[str, Any]],
    ) -> None:
        """Gives a branch a state that no job trained, staged like the result of one.

        Args:
            branch: has no legs yet.
            digest: what identifies the state: everything it depends on.
            make_state: makes it, unless it is staged already.
        """
        out = self._store.staged / f"{self.generation:06d}-{branch.name}.pt"
        result = read_staged(out, digest)
        if result is None:
            result = LegResult(digest, make_state(), {}, Tally())
            stage(out, result)
        branch.legs.append(result)
        branch.start = (str(out), digest)

    def start_branch(self) -> Branch:
        """Returns the state that every branch forks, as a branch that does not train."""
        return Branch("start", Candidate(self._incumbent, "keep"), 0)

    def spare_branch(self, name: str) -> Branch:
        """Returns the same under another name; nothing depends on it, so it may fail."""
        return Branch(name, Candidate(self._incumbent), 0)

    @property
    def quarantine(self) -> tuple[str, ...]:
        """Ids of tasks that must not be played."""
        return self._quarantine

    def _run(self, work: Sequence[tuple[Branch, int, Exam]]) -> None:
        jobs = [self._job(branch, env_steps, exam) for branch, env_steps, exam in work]
        self._executor.run(jobs)
        for (branch, _, _), job in zip(work, jobs, strict=True):
            branch.finish_leg(job)
            self.tallies.append(branch.legs[-1].tally)

    def _job(self, branch: Branch, env_steps: int, exam: Exam) -> Job:
        file, digest = branch.start or self.start
        leg = len(branch.legs)
        name = f"{self.generation:06d}-{branch.name}-{leg}-{exam.name}.pt"
        return Job(
            branch=branch.name,
            config=self._config_json,
            start=file,
            start_digest=digest,
            distribution=branch.candidate.distribution.to_json(),
            env_steps=env_steps,
            seed=seed_for(branch.training_seed, self.generation, "leg", leg),
            exams=(exam,),
            quarantine=self._quarantine,
            out=str(self._store.staged / name),
        )


_CALLED = {
    "monitor": "the monitor sets",
    "selection": "the selection tasks",
    "adoption": "the adoption tasks",
    "boundary": "tasks at the ends",
    "probe": "the tasks of the search's own",
    "test": "the sealed test",
}
"""What exams are called, by the first word of their names."""


def _played(exams: Sequence[Exam]) -> str:
    """Returns what is done when these exams are played, for people."""
    first = dict.fromkeys(exam.name.partition("-")[0] for exam in exams)
    what = " and ".join(_CALLED.get(word, word) for word in first)
    is_learner = all(exam.player == "learner" for exam in exams)
    return f"play {what}" if is_learner else f"random play and oracle on {what}"


def make_exam(
    config: CampaignConfig,
    generation: int,
    name: str,
    distribution: TaskDistribution,
    num_tasks: int,
    split: Split,
) -> Exam:
    """Returns an exam whose tasks depend on the campaign's seed, the generation and the name."""
    return Exam(
        name=name,
        distribution=distribution.to_json(),
        split=split,
        num_tasks=num_tasks,
        task_seed=seed_for(config.seed, generation, f"{name}/tasks"),
        play_seed=seed_for(config.seed, generation, f"{name}/play"),
    )


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
