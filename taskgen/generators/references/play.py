"""How published algorithms play the families of this project: in their own vector environments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.generator import EnvGenerator
from taskgen.task import Task
from taskgen.vector import Lifetime


class ReferencePolicy(ABC):
    """An algorithm that plays B tasks at once, each with beliefs of its own."""

    @abstractmethod
    def begin(self, tasks: Sequence[Task], rng: np.random.Generator) -> None:
        """Forgets everything; what is random from now on comes from `rng`."""

    @abstractmethod
    def act(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Returns the actions for observations, [B]."""

    @abstractmethod
    def learn(
        self,
        observations: NDArray[Any],
        actions: NDArray[np.int64],
        rewards: NDArray[np.float64],
        after: NDArray[Any],
        over: NDArray[np.bool_],
    ) -> None:
        """Takes in what came of actions.

        Args:
            observations: before them, [B, O].
            actions: [B].
            rewards: [B].
            after: observations after them, those at an episode's end among them, [B, O].
            over: which steps were an episode's last, [B].
        """


def play(
    policy: ReferencePolicy,
    generator: EnvGenerator,
    tasks: Sequence[Task],
    num_episodes: int,
    seed: int,
) -> NDArray[np.float64]:
    """Returns what each episode returned when a policy plays one lifetime of every task, [B, E].

    The luck of the tasks is that of (seed, task, episode), whatever the policy; its own is of the
    seed.

    Args:
        policy: begins anew.
        generator: of the tasks.
        tasks: B of them, all with the same horizon.
        num_episodes: of a lifetime, E.
        seed: of the play.

    Raises:
        ValueError: if horizons differ.
    """
    env = generator.make_vector_env(len(tasks))
    options = {"tasks": tasks, "lifetime": Lifetime(num_episodes=num_episodes)}
    observations, _ = env.reset(seed=seed, options=options)
    horizon = int(env.horizons[0])
    if (env.horizons != horizon).any():
        raise ValueError("reference policies play tasks of one horizon at a time.")
    policy.begin(tasks, np.random.default_rng(seed))
    returns = np.zeros((len(tasks), num_episodes))
    for step in range(num_episodes * horizon):
        actions = policy.act(observations)
        following, rewards, _, _, infos = env.step(actions)
        after = infos.get("final_obs", following)
        policy.learn(observations, actions, rewards, after, infos["episode_over"])
        returns[:, step // horizon] += rewards
        observations = following
    env.close()
    return returns


class RandomPlay(ReferencePolicy):
    """Every action equally likely.

    Args:
        num_actions: to choose from.
    """

    def __init__(self, num_actions: int) -> None:
        self._num_actions = num_actions

    def begin(self, tasks: Sequence[Task], rng: np.random.Generator) -> None:
        """Takes the luck."""
        self._num_tasks, self._rng = len(tasks), rng

    def act(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Returns actions whatever is seen."""
        del observations
        return self._rng.integers(self._num_actions, size=self._num_tasks)

    def learn(self, *happened: Any) -> None:
        """Learns nothing."""
