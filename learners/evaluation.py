"""How well a learner adapts, measured from outside.

`evaluate` is a function and not a method: no learner marks its own exam. It reads the learner and
leaves it bit for bit as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from learners.learner import Policy
from learners.rollout import play_lifetimes
from taskgen.batch import TaskBatch
from taskgen.judging import GRADIENT_STEPS
from taskgen.outcomes import Outcomes, concatenate
from taskgen.randomness import task_keys
from taskgen.task import Task
from taskgen.vector import Lifetime, LifetimeVectorEnv


@dataclass(frozen=True)
class AdaptationCurve:
    """What happened in the lifetimes of N tasks, episode by episode.

    Args:
        task_ids: of the tasks, [N].
        outcomes: what happened on them; its axis E is the curve's axis.
        failures: why tasks could not be played to their end, by id.
    """

    task_ids: tuple[str, ...]
    outcomes: Outcomes
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def num_env_steps(self) -> int:
        """What the evaluation cost."""
        return self.outcomes.num_env_steps


def by_gradient_steps(curve: AdaptationCurve, episodes_per_step: int) -> AdaptationCurve:
    """Returns the curve of who takes a gradient step after every R episodes, step by step.

    Unit k is what the R episodes after k steps returned on average; it is complete where all of
    them are. Episodes that are left over at the end count nowhere.

    Args:
        curve: episode by episode.
        episodes_per_step: R.
    """
    outcomes = curve.outcomes
    num_units = outcomes.returns.shape[1] // episodes_per_step

    def units(values: NDArray[Any]) -> NDArray[Any]:
        whole = values[:, : num_units * episodes_per_step]
        return whole.reshape(len(values), num_units, episodes_per_step)

    complete = units(outcomes.complete).all(axis=2)
    means = Outcomes(
        returns=np.where(complete, units(outcomes.returns).mean(axis=2), 0.0),
        lengths=np.where(complete, units(outcomes.lengths).sum(axis=2), 0),
        successes=None,
        complete=complete,
        valid=outcomes.valid,
        unit=GRADIENT_STEPS,
    )
    return replace(curve, outcomes=means)


class Player(Protocol):
    """Whoever can be evaluated: a learner, or what hands out policies without learning."""

    def policy(self, keys: NDArray[np.uint64], *, greedy: bool = False) -> Policy:
        """Returns a policy with empty memory for B tasks, its randomness keyed by task."""


def evaluate(
    learner: Player,
    env: LifetimeVectorEnv,
    tasks: Sequence[Task],
    *,
    num_episodes: int,
    seed: int,
    greedy: bool = False,
) -> AdaptationCurve:
    """Plays one lifetime of each task with a policy that starts with empty memory.

    Actions are drawn from the policy by default: in a world that is partly observed, a policy that
    always takes the likeliest action can walk in a circle for ever, where one that draws gets out.
    Bandits and other fully explained tasks are better judged greedily.

    Args:
        learner: read, not changed; anything that hands out policies.
        env: where; tasks are played in chunks of its number of slots.
        tasks: N tasks.
        num_episodes: of each lifetime; no bound in steps, so every episode is complete.
        seed: of actions and environments, keyed by task: the same task plays the same in any
            batch and any order. (Where actions are numbers of a box, up to the last bits of the
            network's matrix products, which a chaotic body may amplify.)
        greedy: take the likeliest action always.
    """
    parts = []
    task_ids: list[str] = []
    failures: dict[str, str] = {}
    for start in range(0, len(tasks), env.num_envs):
        chunk = tasks[start : start + env.num_envs]
        ids = ids_of(chunk)
        policy = learner.policy(task_keys(seed, ids), greedy=greedy)
        lifetime = Lifetime(num_episodes=num_episodes)
        played = play_lifetimes(env, chunk, policy, seed=seed, lifetime=lifetime)
        parts.append(played.outcomes())
        task_ids += ids
        failures |= env.failures  # which the next chunk empties
    return AdaptationCurve(tuple(task_ids), concatenate(parts), failures)


def ids_of(tasks: Sequence[Task]) -> list[str]:
    """Returns the tasks' content ids; a batch knows them without making its tasks."""
    return tasks.ids if isinstance(tasks, TaskBatch) else [task.id for task in tasks]
