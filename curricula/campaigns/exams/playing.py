"""How tasks are played, whatever their kind: where, by whom, and what counts as a step.

Environments are played for lifetimes on a vector environment, problems are solved from support
sets. Either way a faulty task costs itself alone, and what is not learned is measured the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TypeAlias, cast

from curricula.campaigns.config.schema import CampaignConfig
from learners.evaluation import AdaptationCurve, Player, evaluate
from learners.problem_evaluation import Guesser, Solver, evaluate_problems
from learners.random_play import RandomPlayer
from taskgen.generator import EnvGenerator, ProblemGenerator, TaskGenerator
from taskgen.guarded import GuardedProblems, without_failed
from taskgen.isolation import isolated
from taskgen.outcomes import Outcomes
from taskgen.task import Task
from taskgen.vector import Lifetime, LifetimeVectorEnv

EXAM_SLOTS = 256

Playground: TypeAlias = LifetimeVectorEnv | GuardedProblems
"""Where tasks are played; both have `failures` and `close`."""


def playground(
    generator: TaskGenerator,
    num_envs: int,
    lifetime: Lifetime,
    config: CampaignConfig,
    *,
    watched: bool = False,
) -> Playground:
    """Returns where tasks are played, such that a faulty one costs itself alone.

    Args:
        generator: of the tasks.
        num_envs: how many tasks are played at once, at most; problems have no such bound.
        lifetime: how long; of problems the support set says it.
        config: of the campaign.
        watched: play in a process apart.

    Raises:
        TypeError: if the generator makes nothing to play.
    """
    if isinstance(generator, ProblemGenerator):
        timeout_s = config.executor.call_timeout_s
        return GuardedProblems(generator, timeout_s, watched=watched)
    if not isinstance(generator, EnvGenerator):
        raise TypeError(f"{generator.name} makes {generator.kind}s, nothing that can be played.")
    return vector_env(generator, num_envs, lifetime, config, watched=watched)


def vector_env(
    generator: EnvGenerator,
    num_envs: int,
    lifetime: Lifetime,
    config: CampaignConfig,
    *,
    watched: bool = False,
) -> LifetimeVectorEnv:
    """Returns where environments are played, as `playground` does."""
    envs = isolated(generator, num_envs, config.executor.call_timeout_s, watched=watched)
    envs.lifetime = lifetime
    return envs


def play_tasks(
    tasks: Sequence[Task],
    config: CampaignConfig,
    generator: TaskGenerator,
    player: Player | Solver,
    play_seed: int,
    *,
    watched: bool = False,
) -> AdaptationCurve:
    """Plays tasks as the campaign's tests are played.

    Args:
        tasks: of the generator.
        config: of the campaign.
        generator: made them.
        player: is examined, or plays in its place.
        play_seed: decides all that is random in it.
        watched: play in a process apart.

    Raises:
        TypeError: if the generator makes nothing to play.
    """
    num_episodes = config.lifetime.num_episodes
    num_envs, lifetime = min(len(tasks), EXAM_SLOTS), Lifetime(num_episodes=num_episodes)
    with closing(playground(generator, num_envs, lifetime, config, watched=watched)) as play:
        if isinstance(play, GuardedProblems):
            return evaluate_problems(
                cast(Solver, player), play, tasks, seed=play_seed, chunk=EXAM_SLOTS
            )
        return evaluate(
            cast(Player, player),
            play,
            tasks,
            num_episodes=num_episodes,
            seed=play_seed,
            greedy=config.evaluation.greedy,
        )


def stand_in(generator: TaskGenerator) -> Player | Solver:
    """Returns what plays in place of a learner for the score 0: at random, or by guessing.

    Raises:
        TypeError: if there is nothing to play, or actions cannot be drawn uniformly.
    """
    if isinstance(generator, ProblemGenerator):
        return Guesser(generator.target_space)
    if not isinstance(generator, EnvGenerator):
        raise TypeError(f"{generator.name} makes {generator.kind}s, nothing that can be played.")
    return RandomPlayer(generator.action_space)


def played(outcomes: Outcomes, tasks: Sequence[Task], play: Playground) -> Outcomes:
    """Returns a learner's outcomes as they count: without tasks that had nothing to play."""
    return without_failed(outcomes, tasks, play) if isinstance(play, GuardedProblems) else outcomes


def counted_in(generator: TaskGenerator) -> str:
    """Returns what budgets count: "env steps", or "examples" where tasks are problems."""
    return "examples" if isinstance(generator, ProblemGenerator) else "env steps"


def judged_by(generator: TaskGenerator) -> str:
    """Returns what a return is, for axes and tables."""
    if not isinstance(generator, ProblemGenerator):
        return "return"
    has_classes = hasattr(generator.target_space, "n")
    return "accuracy" if has_classes else "return (minus the squared error)"
