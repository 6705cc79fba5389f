"""Where branches grow: candidates become jobs, jobs are done, branches come back with their exams.

A nursery knows how long a branch trains and what it is examined on, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.exams.sets import Exam
from curricula.campaigns.exams.tally import Tally
from curricula.campaigns.generation.branch import Job, LegResult, read_staged, stage
from curricula.campaigns.generation.branches import Branch, Grown
from curricula.campaigns.generation.executors import Executor
from curricula.campaigns.generation.seeding import seed_for
from curricula.campaigns.sight.tracking import Display
from curricula.campaigns.store.checkpoint import CampaignStore
from curricula.search import Candidate
from taskgen.distribution import TaskDistribution

_CALLED = {
    "monitor": "the monitor sets",
    "selection": "the selection tasks",
    "adoption": "the adoption tasks",
    "boundary": "tasks at the ends",
    "probe": "the tasks of the search's own",
    "test": "the sealed test",
}
"""What exams are called, by the first word of their names."""


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


def _played(exams: Sequence[Exam]) -> str:
    """Returns what is done when these exams are played, for people."""
    first = dict.fromkeys(exam.name.partition("-")[0] for exam in exams)
    what = " and ".join(_CALLED.get(word, word) for word in first)
    is_learner = all(exam.player == "learner" for exam in exams)
    return f"play {what}" if is_learner else f"random play and oracle on {what}"
