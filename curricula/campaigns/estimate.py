"""What a campaign will take, said before it starts: env steps, time and disk.

Steps are counted from the configuration and the horizons of a few tasks, as if no episode ended
early and no branch were pruned; of problems the points of a few sets are. Time comes from one
measured batch of meta-training here and now, divided over the workers. Disk is the learner's state
times the checkpoints that are kept, and a fixed allowance for records and pictures. Where a plug-in
raises or hangs there is no estimate, only the budget.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from curricula.campaigns.config.plugins import make_generator, make_learner
from curricula.campaigns.config.regions import start_distribution, target_distribution
from curricula.campaigns.config.schema import CampaignConfig
from curricula.campaigns.exams.playing import counted_in
from taskgen.generator import EnvGenerator, ProblemGenerator, TaskGenerator
from taskgen.vector import Lifetime, LifetimeVectorEnv
from taskgen.watchdog import time_limit

if TYPE_CHECKING:
    from learners.learner import Learner
    from taskgen.batch import TaskBatch

_NUM_HORIZONS = 16
_PROBE_S = 1.5
_PATIENCE_S = 240.0  # where nothing is compiled yet, most of it goes by before the first step
_FIRST_PROBE = 8  # tasks
_BYTES_PER_GENERATION = 400_000  # a record, a contact sheet, figures and points
_BYTES_OF_STORE = 1_500_000  # an empty store


def estimate(config: CampaignConfig) -> dict[str, Any]:
    """Returns what a campaign may take; it plays and trains one batch to know.

    Returns:
        "env_steps", "seconds" and "bytes", of the whole campaign, or where it has no end of a
        generation ("per" says so); None for what cannot be known. "basis": where the time is from.
    """
    try:
        with time_limit(_PATIENCE_S):
            return _measured(config)
    except Exception:  # what is wrong with a plug-in is the campaign's to meet, and to survive
        return _budget_only(config)


def _measured(config: CampaignConfig) -> dict[str, Any]:
    generator = make_generator(config.generator)
    if not isinstance(generator, EnvGenerator | ProblemGenerator):
        return _budget_only(config)
    learner = make_learner(config.learner, generator, seed=0)
    steps = generation_env_steps(config, _lifetime_steps(config, generator))
    speed = _steps_per_s(config, generator, learner)
    seconds = (steps["train"] + steps["evaluate"]) / (speed * _parallel(config))
    state_bytes = _num_bytes(learner.state_dict())
    counted = counted_in(generator)
    per_s = f"{speed:,.0f} {counted.rpartition(' ')[2]}/s"
    return {
        **_whole(config, sum(steps.values()), seconds, state_bytes),
        "counted": counted,
        "basis": f"one batch measured: {per_s} a worker",
    }


def generation_env_steps(config: CampaignConfig, lifetime_steps: float) -> dict[str, float]:
    """Returns the env steps of an average generation, were every episode played to its horizon.

    Args:
        config: the resolved configuration.
        lifetime_steps: env steps of a lifetime that is measured.
    """
    generation, evaluation = config.generation, config.evaluation
    moves = max(generation.num_candidates - 1, 0) if config.search.name != "fixed" else 0
    branches = 1.0 + moves
    if moves:
        extra = (generation.aa_every, generation.challenger_every)
        branches += sum(1 / every for every in extra if every)
    at_rungs = branches if moves and generation.rung_share else 0.0
    selections = branches + at_rungs + 1.0
    adoptions = 2.0 + generation.merge if moves else 0.0
    num_tasks = (
        selections * evaluation.num_selection
        + adoptions * evaluation.num_adoption
        + 2.0 * evaluation.num_monitor
    )
    return {"train": branches * generation.branch_env_steps, "evaluate": num_tasks * lifetime_steps}


def _whole(
    config: CampaignConfig, steps: float, seconds: float, state_bytes: int
) -> dict[str, Any]:
    """Returns the estimate of the whole campaign from that of a generation."""
    budget, rule = config.budget, config.checkpoints
    bounds = [
        budget.generations,
        None if budget.env_steps is None else budget.env_steps / steps,
        None if budget.hours is None else 3600.0 * budget.hours / seconds,
    ]
    count = min((float(bound) for bound in bounds if bound is not None), default=None)
    if count is None:
        share = state_bytes / rule.keep_every
        disk = _BYTES_PER_GENERATION + share
        return {"env_steps": steps, "seconds": seconds, "bytes": disk, "per": "a generation"}
    kept = min(rule.keep_last + 1 + count // rule.keep_every, math.ceil(count) + 1)
    return {
        "env_steps": steps * count,
        "seconds": seconds * count,
        "bytes": _BYTES_OF_STORE + _BYTES_PER_GENERATION * math.ceil(count) + kept * state_bytes,
    }


def _budget_only(config: CampaignConfig) -> dict[str, Any]:
    seconds = None if config.budget.hours is None else 3600.0 * config.budget.hours
    steps = config.budget.env_steps
    return {"env_steps": steps, "seconds": seconds, "bytes": None, "basis": "the budget alone"}


def _some_tasks(config: CampaignConfig, generator: TaskGenerator, n: int) -> TaskBatch:
    place = target_distribution(config, generator.space)
    place = place or start_distribution(config, generator.space)
    rng = np.random.default_rng(0)
    return generator.make_tasks(place.sample(n, rng), rng.integers(0, 2**62, size=n))


def _lifetime_steps(config: CampaignConfig, generator: EnvGenerator | ProblemGenerator) -> float:
    tasks = _some_tasks(config, generator, _NUM_HORIZONS)
    if isinstance(generator, ProblemGenerator):
        problems = generator.make_problems(tasks, np.random.default_rng(0))
        return float(problems.num_shots.mean()) + problems.num_query
    mean = float(np.mean([generator.horizon(task) for task in tasks]))
    return mean * config.lifetime.num_episodes


def _steps_per_s(
    config: CampaignConfig, generator: EnvGenerator | ProblemGenerator, learner: Learner
) -> float:
    """Returns the speed of a worker, from a batch as large as can be tried in a second or two.

    The first and smallest batch lets code compile and does not count.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(config.executor.threads or threads)
    num_tasks = full = config.generation.tasks_per_batch
    try:
        _train_seconds(config, generator, learner, min(_FIRST_PROBE, full))
        num_tasks = min(4 * _FIRST_PROBE, full)
        seconds, steps = _train_seconds(config, generator, learner, num_tasks)
        while num_tasks < full and 4 * seconds < _PROBE_S:
            num_tasks = min(4 * num_tasks, full)
            seconds, steps = _train_seconds(config, generator, learner, num_tasks)
    finally:
        torch.set_num_threads(threads)
    return steps / seconds


def _train_seconds(
    config: CampaignConfig,
    generator: EnvGenerator | ProblemGenerator,
    learner: Learner,
    num_tasks: int,
) -> tuple[float, int]:
    """Meta-trains on one batch; returns its seconds and env steps."""
    tasks: Sequence[Any] = _some_tasks(config, generator, num_tasks)
    play = _play(config, generator, num_tasks)
    started = time.perf_counter()
    outcomes, _ = learner.meta_train(
        play, tasks, np.ones(num_tasks, dtype=bool), np.random.default_rng(0)
    )
    return time.perf_counter() - started, outcomes.num_env_steps


def _play(
    config: CampaignConfig, generator: EnvGenerator | ProblemGenerator, num_tasks: int
) -> LifetimeVectorEnv | ProblemGenerator:
    if isinstance(generator, ProblemGenerator):
        return generator
    play = generator.make_vector_env(num_tasks)
    train_steps = config.lifetime.train_steps
    episodes = None if train_steps else config.lifetime.num_episodes
    play.lifetime = Lifetime(num_episodes=episodes, num_steps=train_steps)
    return play


def _parallel(config: CampaignConfig) -> float:
    if config.executor.name == "inline":
        return 1.0
    return float(min(config.executor.workers or 1, max(config.generation.num_candidates, 1)))


def _num_bytes(state: Any) -> int:
    if isinstance(state, Mapping):
        return sum(_num_bytes(value) for value in state.values())
    if isinstance(state, list | tuple):
        return sum(_num_bytes(value) for value in state)
    return int(getattr(state, "nbytes", 8))
