"""Lifetimes that are kept as they were played, to be looked at afterwards.

A `Recorder` stands between whoever plays and a vector environment, and changes nothing. It keeps
all that was seen and done, so it is for a few tasks, not for training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taskgen.vector import LifetimeVectorEnv


@dataclass(frozen=True)
class Episode:
    """One episode of H steps as it was played.

    Args:
        observations: before each action, and after the last one, [H + 1, …].
        actions: [H] or [H, A].
        rewards: [H].
        number: of the episode in its lifetime, from 1.
    """

    observations: NDArray[Any]
    actions: NDArray[Any]
    rewards: NDArray[np.float64]
    number: int = 1


class Recorder(LifetimeVectorEnv):
    """Plays on an environment inside, and keeps what happened since the last reset.

    Args:
        inside: where to play; closed with this one.
    """

    def __init__(self, inside: LifetimeVectorEnv) -> None:
        super().__init__(
            inside.num_envs, inside.single_observation_space, inside.single_action_space
        )
        self.has_success = inside.has_success
        self.guards_slots, self.limits_itself = inside.guards_slots, inside.limits_itself
        self.lifetime = inside.lifetime
        self._inside = inside
        self._seen: list[NDArray[Any]] = []
        self._steps: list[dict[str, NDArray[Any]]] = []

    def reset(
        self, *, seed: int | list[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Starts lifetimes, as `LifetimeVectorEnv.reset`; what was kept before is forgotten."""
        observations, infos = self._inside.reset(seed=seed, options=options)
        self._seen, self._steps = [observations], []
        self._mirror()
        return observations, infos

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Takes one step, as `LifetimeVectorEnv.step`, and keeps it."""
        was_playing = self.playing
        answer = self._inside.step(actions)
        observations, rewards, _, _, infos = answer
        over = infos["episode_over"]
        last = observations.copy()
        if over.any():
            last[over] = infos["final_obs"][over]
        self._steps.append(
            {
                "actions": np.array(actions),
                "rewards": rewards,
                "last": last,
                "played": was_playing,
                "over": over,
            }
        )
        self._seen.append(observations)
        self._mirror()
        return answer

    def episodes(self, slot: int) -> list[Episode]:
        """Returns the episodes of a slot that were played to their end or cut, in order."""
        episodes: list[Episode] = []
        start = 0
        for end, step in enumerate(self._steps, start=1):
            if step["played"][slot] and step["over"][slot]:
                part = self._steps[start:end]
                seen = [seen[slot] for seen in self._seen[start:end]]
                episodes.append(
                    Episode(
                        observations=np.stack([*seen, step["last"][slot]]),
                        actions=np.stack([kept["actions"][slot] for kept in part]),
                        rewards=np.array([kept["rewards"][slot] for kept in part]),
                        number=len(episodes) + 1,
                    )
                )
                start = end
        return episodes

    def close_extras(self, **kwargs: Any) -> None:
        """Closes the environment inside."""
        self._inside.close(**kwargs)

    def _mirror(self) -> None:
        self.playing, self.failures = self._inside.playing.copy(), self._inside.failures
