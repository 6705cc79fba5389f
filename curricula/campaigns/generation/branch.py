"""A branch: a learner forked from a checkpoint, trained on one distribution, then examined.

A `Job` is one leg of it, and its result a pure function of the job: the same inline, in another
process or on another day. So a result that was staged before an interruption is used again. What
training or an exam raises is such a result too: it costs the branch, never the campaign.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from curricula.campaigns.config.plugins import make_curriculum, make_generator, make_learner
from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.exams.playing import Playground, played, playground
from curricula.campaigns.exams.sets import Exam, sit
from curricula.campaigns.exams.tally import Tally
from curricula.campaigns.sight.tracking import Progress
from curricula.campaigns.store.files import load_state, save_state
from curricula.campaigns.store.lineage import lines_of
from curricula.campaigns.store.plays import Sample
from curricula.curriculum import Curriculum, Proposal
from curricula.scores import scores_told
from learners.learner import Learner
from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskGenerator
from taskgen.outcomes import Outcomes
from taskgen.source import TaskSource
from taskgen.splits import Split
from taskgen.task import canonical_json
from taskgen.vector import Lifetime

_MAX_IDLE_BATCHES = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One leg of a branch: train from a state for some steps, then sit exams.

    Args:
        branch: its name, for people.
        config: the resolved configuration, as JSON.
        start: file of the state to start from.
        start_digest: what identifies that state.
        distribution: where to train, as JSON.
        env_steps: training steps; 0 only sits the exams.
        seed: of the training.
        exams: what to play afterwards.
        quarantine: ids of tasks that must not be played.
        out: file for the result.
    """

    branch: str
    config: dict[str, Any]
    start: str
    start_digest: str
    distribution: dict[str, Any]
    env_steps: int
    seed: int
    exams: tuple[Exam, ...]
    quarantine: tuple[str, ...]
    out: str

    @property
    def digest(self) -> str:
        """What identifies the result: everything it depends on, and no path."""
        data = asdict(self)
        for irrelevant in ("branch", "start", "out"):
            del data[irrelevant]
        data["config"] = {k: data["config"][k] for k in _DECIDING_SECTIONS} | {
            "seed": self.config["seed"],
            "tasks_per_batch": self.config["generation"]["tasks_per_batch"],
            "threads": self.config["executor"]["threads"],
        }
        data["taskgen"] = _taskgen_version()
        return hashlib.sha256(canonical_json(data)).hexdigest()


_DECIDING_SECTIONS = ("generator", "learner", "curriculum", "lifetime", "evaluation", "splits")


def _taskgen_version() -> str:
    try:
        return importlib.metadata.version("taskgen-rl")
    except importlib.metadata.PackageNotFoundError:  # used from its source tree
        return "unknown"


@dataclass(frozen=True)
class LegResult:
    """What a leg came to.

    Args:
        digest: of the job.
        state: learner and curriculum afterwards; None where nothing was trained.
        exams: what happened in each exam.
        tally: what was used, to the failure if it failed.
        failed: what training or an exam raised; None: nothing. There is no state then, no exam.
    """

    digest: str
    state: dict[str, Any] | None
    exams: dict[str, Outcomes]
    tally: Tally
    failed: str | None = None


def run_job(job: Job, progress: Progress | None = None, *, watched: bool = False) -> None:
    """Does a job and stages its result at `job.out`, unless it lies there already.

    Args:
        job: what to do.
        progress: hears of the training steps.
        watched: play in a process apart, so that a task which kills or blocks its process costs
            itself; the result is the same bit for bit, later.

    Raises:
        Exception: what making generator, learner and curriculum or reading the start raises. What
            training or an exam raises is staged as the result, running out of memory aside.
    """
    if read_result(job) is not None:
        return
    config = CampaignConfig.model_validate(job.config)
    generator = make_generator(config.generator)
    learner, curriculum = restore(config, generator, start_state(job.start))
    tally = Tally()
    exams: dict[str, Outcomes] = {}
    failed = state = None
    try:
        if job.env_steps:
            _train(job, config, generator, learner, curriculum, tally, progress, watched)
        exams = {
            exam.name: sit(exam, config, generator, learner, job.quarantine, tally, watched=watched)
            for exam in job.exams
        }
        state = snapshot(learner, curriculum) if job.env_steps else None
    except MemoryError:  # says something about the machine, not about the branch
        raise
    except Exception as error:
        _log.warning("branch %s failed", job.branch, exc_info=True)
        exams, failed = {}, f"{type(error).__name__}: {error}"
    stage(Path(job.out), LegResult(job.digest, state, exams, tally, failed))


def stage_failure(job: Job, reason: str) -> None:
    """Stages that a job failed, for one whose process cannot say so itself."""
    stage(Path(job.out), LegResult(job.digest, None, {}, Tally(), reason))


def stage(path: Path, result: LegResult) -> None:
    """Writes a result where the campaign finds it, also after an interruption."""
    save_state(
        path,
        {
            "digest": result.digest,
            "state": result.state,
            "exams": {name: _pack(outcomes) for name, outcomes in result.exams.items()},
            "tally": asdict(result.tally),
            "failed": result.failed,
        },
    )


def read_result(job: Job) -> LegResult | None:
    """Returns the staged result of a job, None if there is none or it is another job's."""
    return read_staged(Path(job.out), job.digest)


def read_staged(path: Path, digest: str) -> LegResult | None:
    """Returns what was staged in a file, None if there is nothing of that digest."""
    if not path.is_file():
        return None
    try:
        data = load_state(path)
    except Exception:  # torn or damaged: as good as not there, it is made again
        return None
    if data.get("digest") != digest:
        return None
    exams = {name: _unpack(packed) for name, packed in data["exams"].items()}
    return LegResult(
        data["digest"], data["state"], exams, Tally(**data["tally"]), data.get("failed")
    )


def start_state(file: str) -> dict[str, Any]:
    """Returns the state of a commit's checkpoint, or that of an earlier leg's result.

    Raises:
        ValueError: if that leg has none, since it failed or only sat exams: what went on from there
            would be a new learner.
    """
    data = load_state(Path(file))
    state: dict[str, Any] | None = data["state"] if "digest" in data else data
    if state is None:
        why = data.get("failed") or "it only sat exams"
        raise ValueError(
            f"a leg must start from a trained state, and {file} has none ({why}); start it "
            f"from the leg before."
        )
    return state


def snapshot(learner: Learner, curriculum: Curriculum) -> dict[str, Any]:
    """Returns all that a branch hands on."""
    return {"learner": learner.state_dict(), "curriculum": curriculum.state_dict()}


def restore(
    config: CampaignConfig, generator: TaskGenerator, state: dict[str, Any] | None
) -> tuple[Learner, Curriculum]:
    """Returns the learner and the curriculum of a state, or new ones."""
    learner = make_learner(config.learner, generator, seed=config.seed)
    curriculum = make_curriculum(config.curriculum)
    if state is not None:
        learner.load_state_dict(state["learner"])
        curriculum.load_state_dict(state["curriculum"])
    return learner, curriculum


def _train(
    job: Job,
    config: CampaignConfig,
    generator: TaskGenerator,
    learner: Learner,
    curriculum: Curriculum,
    tally: Tally,
    progress: Progress | None,
    watched: bool,
) -> None:
    """Meta-trains batch after batch until the steps are used.

    Raises:
        RuntimeError: if no task of several batches in a row could be played.
    """
    started = time.perf_counter()
    num_tasks = config.generation.tasks_per_batch
    distribution = TaskDistribution.from_json(generator.space, job.distribution)
    split: Split | None = "train" if config.splits.enabled else None
    source = TaskSource(generator, split, config.splits.salt, job.quarantine)
    lifetime = _training_lifetime(config)
    play = playground(generator, num_tasks, lifetime, config, watched=watched)
    batch = num_idle = 0
    sample = Sample()
    try:
        while tally.train_env_steps < job.env_steps:
            rng = np.random.default_rng([job.seed, batch])
            idle_env_steps = source.draws.idle_env_steps
            proposals = curriculum.ask(source, distribution, num_tasks, rng)
            tally.count_scoring(source.draws.idle_env_steps - idle_env_steps)
            tasks = [proposal.task for proposal in proposals]
            train_mask = np.array([proposal.train for proposal in proposals])
            outcomes, metrics = learner.meta_train(play, tasks, train_mask, rng)
            outcomes = played(outcomes, tasks, play)
            scores = scores_told(curriculum.score, outcomes)
            curriculum.tell(proposals, scores)
            sample.add(proposals, outcomes, None if curriculum.score is None else scores)
            _count(tally, generator, proposals, outcomes, metrics)
            tally.metrics |= _curriculum_metrics(curriculum, proposals, tally)
            tally.count_failures(play.failures, tasks)
            source.quarantine |= play.failures.keys()
            num_idle = 0 if outcomes.num_env_steps else num_idle + 1
            _require_play(num_idle, play)
            if progress is not None:
                progress(job.branch, outcomes.num_env_steps)
            batch += 1
    finally:
        play.close()
        tally.count_draws(source.draws)
        tally.plays = sample.lines()
        tally.train_s = time.perf_counter() - started


def _require_play(num_idle: int, play: Playground) -> None:
    if num_idle == _MAX_IDLE_BATCHES:
        reason = next(reversed(play.failures.values()), "no slot was playing")
        raise RuntimeError(
            f"no task of {num_idle} batches in a row could be played; mend the generator or leave "
            f"out what it cannot make. The last reason: {reason.strip()}"
        )


def _training_lifetime(config: CampaignConfig) -> Lifetime:
    if config.lifetime.train_steps is not None:
        return Lifetime(num_steps=config.lifetime.train_steps)
    return Lifetime(num_episodes=config.lifetime.num_episodes)


def _count(
    tally: Tally,
    generator: TaskGenerator,
    proposals: Sequence[Proposal],
    outcomes: Outcomes,
    metrics: dict[str, float],
) -> None:
    is_learned_from = np.array([proposal.train for proposal in proposals])
    tally.train_env_steps += int(outcomes.valid[is_learned_from].sum())
    tally.count_scoring(int(outcomes.valid[~is_learned_from].sum()))
    tally.gradient_updates += int(metrics.pop("train/gradient_updates", 0))
    tally.num_tasks += len(proposals)
    if metrics:
        tally.metrics = {name: float(value) for name, value in metrics.items()}
    tally.lineage += lines_of(proposals)
    tally.seen += [form_digest(generator.canonical(p.task)) for p in proposals if p.train]


def _curriculum_metrics(
    curriculum: Curriculum, proposals: Sequence[Proposal], tally: Tally
) -> dict[str, float]:
    """Returns what a curriculum says of itself, and where the tasks of the leg came from."""
    shares = tally.count_proposals(proposal.origin for proposal in proposals)
    return {} if curriculum.score is None else shares | curriculum.metrics()


def form_digest(canonical: bytes) -> int:
    """Returns 63 bits of a canonical form's SHA-256, enough to tell tasks apart."""
    return int.from_bytes(hashlib.sha256(canonical).digest()[:8], "little") >> 1


def _pack(outcomes: Outcomes) -> dict[str, Any]:
    """Returns the arrays of an exam as tensors; what belongs to training is left out."""
    names = ("returns", "lengths", "successes", "complete")
    arrays = {name: getattr(outcomes, name) for name in names}
    return {
        "unit": outcomes.unit,
        **{k: None if v is None else torch.from_numpy(np.array(v)) for k, v in arrays.items()},
    }


def _unpack(packed: dict[str, Any]) -> Outcomes:
    arrays: dict[str, Any] = {
        k: v.numpy() if isinstance(v, torch.Tensor) else v for k, v in packed.items()
    }
    return Outcomes(valid=np.zeros((len(arrays["returns"]), 0), dtype=bool), **arrays)
